using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files.Yaml;
using DeepTrain.Cluster.Sweeps.Search;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Sweeps.Files;

/// <summary>Forms the cells of a file that has no errors, and warns of values that have no effect in them.</summary>
internal sealed class CellFormer(
    ImmutableSortedDictionary<string, ParameterValue> fixedValues, ImmutableArray<Factor> factors, Problems problems)
{
    /// <summary>The cells of the search. If they would be too many, reports an error and returns none.</summary>
    public ImmutableArray<Cell> Form(SearchField search, Field? spaceField, int replicates)
    {
        var space = new Space(fixedValues, factors);
        var count = search.Search switch
        {
            SearchMethod.Random random => random.Trials,
            SearchMethod.List => search.Entries.Length,
            _ => space.Count(Sweep.TrialLimit)!.Value,
        };
        if (count * replicates > Sweep.TrialLimit)
        {
            var (place, key) = search.Search is SearchMethod.Grid ? (spaceField!.Place, spaceField.Path) : (search.Place, "search");
            problems.Error(place, key,
                $"{(count > Sweep.TrialLimit ? "at least " : "")}{count:N0} cells x {replicates:N0} replicates are more than the {Sweep.TrialLimit:N0} trials that one sweep may have; {Fewer(search.Search)}");
            return [];
        }

        switch (search.Search)
        {
            case SearchMethod.List:
                return List(search);
            case SearchMethod.Random random:
                var drawn = space.Draw(random);
                if (drawn.Length < random.Trials)
                    problems.Warn(search.Place, "search.trials", $"the space is exhausted after {drawn.Length:N0} distinct cells; these are run");
                return drawn;
            default:
                return [.. space.Grid()];
        }
    }

    /// <summary>Warns of values that have no effect in some or all cells.</summary>
    public void WarnOfNoEffect(ImmutableArray<Cell> cells, ImmutableArray<GivenValue> given, ImmutableArray<FactorField> factorFields)
    {
        foreach (var value in given.Where(value => value.Parameter.AppliesWhen is not null))
        {
            if (!cells.Any(cell => cell.Configuration.Values.ContainsKey(value.Parameter.Name)))
                problems.Warn(value.Field.Place, value.Field.Path, $"it has no effect in any cell: {Needs(value.Parameter.AppliesWhen!)}");
        }

        foreach (var factor in factorFields)
        {
            var idle = cells.Where(cell => cell.Levels.All(level => level.Factor != factor.Parameter.Name)).ToList();
            if (idle.Count == cells.Length)
                problems.Warn(factor.Field.Place, factor.Field.Path, "its condition holds in no cell");
            else if (factor.Parameter.AppliesWhen is { } applies && idle.Any(cell => factor.When?.Holds(cell.Configuration.Values) ?? true))
                problems.Warn(factor.Field.Place, factor.Field.Path,
                    $"its levels have no effect in some cells, which are run once: {Needs(applies)}; to say so, {HowToSay(factor, applies, factorFields)}");
        }
    }

    private ImmutableArray<Cell> List(SearchField search)
    {
        var cells = new OrderedDictionary<string, (Cell Cell, string Path)>(StringComparer.Ordinal);
        var defaults = fixedValues.AddRange(factors
            .Where(factor => factor.Parameter.Default is not null)
            .Select(factor => KeyValuePair.Create(factor.Name, factor.Parameter.Default!)));
        foreach (var entry in search.Entries)
        {
            var given = entry.Values.ToDictionary(value => value.Parameter.Name, value => value.Value!);
            var configuration = Configuration.Resolve(defaults.SetItems(given));
            var effective = factors.Where(factor => factor.Parameter.AppliesWhen is null || configuration.Values.ContainsKey(factor.Name));
            ImmutableArray<Level> levels =
            [
                .. effective.Select(factor => new Level(factor.Name, given.GetValueOrDefault(factor.Name) ?? factor.Parameter.Default!))
                    .Where(level => level.Value is not null),
            ];
            foreach (var idle in entry.Values.Where(value => levels.All(level => level.Factor != value.Parameter.Name)))
                problems.Warn(idle.Field.Place, idle.Field.Path, $"it has no effect here: {Needs(idle.Parameter.AppliesWhen!)}");
            if (!cells.TryAdd(configuration.CellId, (new(levels, configuration), entry.Path)))
                problems.Warn(entry.Place, entry.Path, $"it trains the same as {cells[configuration.CellId].Path}; it is run once");
        }

        return [.. cells.Values.Select(cell => cell.Cell)];
    }

    private static string Fewer(SearchMethod? search) => search switch
    {
        SearchMethod.Random => "ask for fewer trials or replicates",
        SearchMethod.List => "remove configurations or replicates",
        _ => "remove levels or replicates",
    };

    /// <summary>Suggests the <c>when</c> that states a factor's implicit condition with the values that occur in this sweep.</summary>
    private static string HowToSay(FactorField factor, Applicability applies, ImmutableArray<FactorField> factorFields)
    {
        var decider = factorFields.First(other => other.Parameter == applies.Of);
        var occurring = ((Domain.Levels)decider.Domain!).Values.Select(level => $"{level}")
            .Concat(decider.When is null ? [] : [$"{decider.Parameter.Default}"]).ToList();
        var values = applies.Values.Where(occurring.Contains).ToList();
        var condition = $"{applies.Of.Name}: {(values is [var only] ? only : $"[{string.Join(", ", values)}]")}";
        return factor.When is null ? $"add when: {{ {condition} }} beside its values" : $"add {condition} to its when";
    }

    private static string Needs(Applicability applies) => $"it needs {applies.Of.Name} {string.Join(" or ", applies.Values)}";
}
