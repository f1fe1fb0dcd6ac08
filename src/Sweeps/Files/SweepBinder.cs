using System.Collections.Immutable;

namespace DeepTrain.Cluster.Sweeps;

/// <summary>Makes a sweep of a document: reads every key, checks what only several keys together show, then forms the cells.</summary>
internal sealed class SweepBinder(Problems problems)
{
    private readonly ValueReader _values = new(problems);

    /// <summary>Null if there is any error.</summary>
    public Sweep? Bind(YamlNode root, string text)
    {
        if (Fields.Read(root, "", [.. SweepKeys.TopLevel.Select(key => key.Name)], problems) is not { } file)
            return null;
        var name = ReadName(file);
        var given = ReadGiven(file);
        var search = new SearchReader(_values, problems).Read(file["search"]);
        var factors = new SpaceReader(_values, problems, search.Search is not Search.Grid).Read(file["space"]);
        var replicates = Read(SweepKeys.Replicates, file)?.AsInteger();
        var objective = ReadObjective(file["objective"]);
        ReadEarlyStopping(file["earlyStopping"]);

        CheckTogether(file, given, search, factors);
        var domains = search.Search is Search.List
            ? search.Entries.SelectMany(entry => entry.Values).GroupBy(value => value.Parameter.Name)
                .ToDictionary(group => group.Key, Domain? (group) => LevelsOf(group.First().Parameter, search, group))
            : factors.ToDictionary(factor => factor.Parameter.Name, factor => factor.Domain);
        var claims = new ClaimReader(_values, problems).Read(file["claims"], domains);
        if (problems.HasErrors)
            return null;

        var fixedValues = Parameters.All
            .Where(parameter => parameter.Default is not null)
            .ToImmutableSortedDictionary(parameter => parameter.Name, parameter => parameter.Default!, StringComparer.Ordinal)
            .SetItems(given.Select(value => KeyValuePair.Create(value.Parameter.Name, value.Value!)))
            .RemoveRange(domains.Keys);
        ImmutableArray<Factor> varying = search.Search is Search.List
            ? [.. domains.Select(domain => new Factor(Parameters.ByName[domain.Key], domain.Value!, null))]
            : [.. factors.Select(factor => new Factor(factor.Parameter, factor.Domain!, factor.When))];
        var cells = FormCells(file, search, fixedValues, varying, replicates!.Value);
        if (problems.HasErrors)
            return null;
        WarnOfNoEffect(given, factors, cells);
        return new(name!, text, fixedValues, varying, search.Search!, cells, replicates.Value, objective, claims);
    }

    private string? ReadName(Fields file)
    {
        if (file["name"] is not { } field)
            problems.Error(file.Place, "name", "the key is missing; expected a name such as activations-on-digits");
        else if (field.Value is not YamlScalar { Text: var name } || !SweepKeys.Name().IsMatch(name))
            problems.Error(field.Value.Place, field.Path,
                $"expected 1 to 63 lower-case letters, digits and inner hyphens, found {field.Value.Described}");
        else
            return name;
        return null;
    }

    private ImmutableArray<GivenValue> ReadGiven(Fields file)
    {
        var given = ImmutableArray.CreateBuilder<GivenValue>();
        foreach (var section in Parameters.All.GroupBy(parameter => parameter.SectionKey))
        {
            var fields = section.Key.Length == 0 ? file
                : file[section.Key] is { } field
                    ? Fields.Read(field.Value, field.Path, [.. section.Select(parameter => parameter.Name)], problems)
                    : null;
            foreach (var parameter in section)
            {
                if (fields?[parameter.Name] is { } value)
                    given.Add(new(parameter, value, _values.Read(parameter, value.Value, value.Path)));
                else if (section.Key.Length == 0 && parameter.Default is null)
                    problems.Error(file.Place, parameter.Path, $"the key is missing; expected {parameter.Expected}");
            }
        }

        return given.ToImmutable();
    }

    /// <summary>The value of a top-level key, or its default; null if it is wrong.</summary>
    private ParameterValue? Read(Parameter key, Fields fields) =>
        fields[key.Name] is { } field ? _values.Read(key, field.Value, field.Path) : key.Default;

    private Objective ReadObjective(Field? field)
    {
        var natural = new Objective(Metric.ValidationAccuracy, Goal.Maximize);
        if (field is null || Fields.Read(field.Value, field.Path, [SweepKeys.Metric.Name, SweepKeys.Goal.Name], problems) is not { } fields)
            return natural;
        if (fields[SweepKeys.Metric.Name] is { Value: YamlScalar { Text: var text } test } && text.StartsWith("test.", StringComparison.Ordinal))
        {
            problems.Error(test.Place, "objective.metric",
                $"expected {SweepKeys.Metric.Expected}, found '{YamlScalar.Shorten(text)}'; the test is looked at once, at the end, and never steers anything");
            return natural;
        }

        var metricText = Read(SweepKeys.Metric, fields)?.AsText();
        var goalText = Read(SweepKeys.Goal, fields)?.AsText();
        if (metricText is null)
            return natural;
        var metric = Objective.Metrics[metricText];
        var goal = goalText switch { "maximize" => Goal.Maximize, "minimize" => Goal.Minimize, _ => Objective.NaturalGoal(metric) };
        if (goal != Objective.NaturalGoal(metric))
            problems.Warn(fields[SweepKeys.Goal.Name]!.Value.Place, "objective.goal", $"to {goalText} {metricText} is to look for the worst cell");
        return new(metric, goal);
    }

    private void ReadEarlyStopping(Field? field)
    {
        if (field?.Value is YamlScalar { Text: "halving" } halving)
            problems.Error(halving.Place, field.Path, "'halving' is not available in this version; expected none");
        else if (field is not null)
            _values.Read(SweepKeys.EarlyStopping, field.Value, field.Path);
    }

    private void CheckTogether(Fields file, ImmutableArray<GivenValue> given, SearchField search, ImmutableArray<FactorField> factors)
    {
        var fixedFields = given.ToDictionary(value => value.Parameter.Name);
        foreach (var field in factors.Select(factor => factor.Field).Concat(search.Entries.SelectMany(entry => entry.Values).Select(value => value.Field)))
        {
            if (fixedFields.TryGetValue(field.Name, out var value))
                problems.Error(field.Place, field.Path, $"it varies here and is fixed as {value.Field.Path} on line {value.Field.Place.Line}; keep one");
        }

        if (search.Search is Search.List && file["space"] is { } space)
            problems.Error(space.Place, space.Path, "with search method list the configurations are the space; remove one of the two");
        if (search.Search is Search.Random && factors.IsEmpty && (file["space"] is null || file["space"]!.Value is YamlMap { Entries.IsEmpty: true }))
            problems.Error(search.Place, "search", "random draws need a space to draw from; add space:");

        var layerFields = given.Select(value => value.Field).Concat(factors.Select(factor => factor.Field)).ToList();
        if (search.Search is Search.List)
        {
            foreach (var entry in search.Entries)
                CheckLayers([.. layerFields, .. entry.Values.Select(value => value.Field)], entry.Place, entry.Path);
        }
        else
        {
            CheckLayers(layerFields, file["network"]?.Place ?? file.Place, "network");
        }

        if (Fraction(Parameters.ValidationFraction) + Fraction(Parameters.TestFraction) > MostHeldOut
            && (fixedFields.GetValueOrDefault(Parameters.ValidationFraction.Name) ?? fixedFields.GetValueOrDefault(Parameters.TestFraction.Name)) is { } part)
            problems.Error(part.Field.Value.Place, part.Field.Path, "validationFraction and testFraction together must leave at least 0.05 of the rows for training");
        new WhenChecker(problems).Check(given, factors);

        double Fraction(NumberParameter parameter) => fixedFields.TryGetValue(parameter.Name, out var value)
            ? value.Value?.AsNumber() ?? 0
            : parameter.Default!.AsNumber();
    }

    private const double MostHeldOut = 0.95;

    private void CheckLayers(IReadOnlyList<Field> fields, Place otherwise, string path)
    {
        var (hidden, depth, width) = (Find(Parameters.Hidden), Find(Parameters.Depth), Find(Parameters.Width));
        if (hidden is not null && (depth ?? width) is { } other)
            problems.Error(other.Place, other.Path, $"hidden gives the layers already, on line {hidden.Place.Line}; write either hidden, or depth and width");
        else if (hidden is null && (depth is null) != (width is null))
            problems.Error((depth ?? width)!.Place, (depth ?? width)!.Path, $"{(depth is null ? "width needs depth" : "depth needs width")} beside it");
        else if (hidden is null && depth is null)
            problems.Error(otherwise, Fields.Join(path, Parameters.Hidden.Name), $"the layers are missing; expected {Parameters.Hidden.Expected}, or depth and width");

        Field? Find(Parameter parameter) => fields.FirstOrDefault(field => field.Name == parameter.Name);
    }

    private ImmutableArray<Cell> FormCells(
        Fields file, SearchField search, ImmutableSortedDictionary<string, ParameterValue> fixedValues, ImmutableArray<Factor> factors, int replicates)
    {
        var space = new Space(fixedValues, factors);
        var count = search.Search switch
        {
            Search.Random random => random.Trials,
            Search.List => search.Entries.Length,
            _ => space.Count(Sweep.TrialLimit)!.Value,
        };
        if (count * replicates > Sweep.TrialLimit)
        {
            var place = search.Search is Search.Grid ? file["space"]?.Place : search.Place;
            problems.Error(place ?? file["replicates"]!.Place, search.Search is Search.Grid ? "space" : "search",
                $"{(count > Sweep.TrialLimit ? "at least " : "")}{count:N0} cells x {replicates:N0} replicates are more than the {Sweep.TrialLimit:N0} trials that one sweep may have; remove levels or replicates");
            return [];
        }

        switch (search.Search)
        {
            case Search.List:
                return ListCells(search, fixedValues, factors);
            case Search.Random random:
                var drawn = space.Draw(random);
                if (drawn.Length < random.Trials)
                    problems.Warn(search.Place, "search.trials", $"the space is exhausted after {drawn.Length:N0} distinct cells; these are run");
                return drawn;
            default:
                return [.. space.Grid()];
        }
    }

    private ImmutableArray<Cell> ListCells(
        SearchField search, ImmutableSortedDictionary<string, ParameterValue> fixedValues, ImmutableArray<Factor> factors)
    {
        var cells = new OrderedDictionary<string, (Cell Cell, string Path)>(StringComparer.Ordinal);
        foreach (var entry in search.Entries)
        {
            var given = entry.Values.ToDictionary(value => value.Parameter.Name, value => value.Value!);
            var configuration = Configuration.Resolve(fixedValues.SetItems(given));
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

    /// <summary>The levels that a parameter has over a list of configurations; null if one is wrong.</summary>
    private static Domain.Levels? LevelsOf(Parameter parameter, SearchField search, IEnumerable<GivenValue> values)
    {
        var levels = values.Select(value => value.Value).ToList();
        if (levels.Count < search.Entries.Length && parameter.Default is not null)
            levels.Add(parameter.Default);
        return levels.Contains(null) ? null : new([.. levels.Distinct().Select(level => level!)]);
    }

    private void WarnOfNoEffect(ImmutableArray<GivenValue> given, ImmutableArray<FactorField> factors, ImmutableArray<Cell> cells)
    {
        foreach (var value in given.Where(value => value.Parameter.AppliesWhen is not null))
        {
            if (!cells.Any(cell => cell.Configuration.Values.ContainsKey(value.Parameter.Name)))
                problems.Warn(value.Field.Place, value.Field.Path, $"it has no effect in any cell: {Needs(value.Parameter.AppliesWhen!)}");
        }

        foreach (var factor in factors)
        {
            var idle = cells.Where(cell => cell.Levels.All(level => level.Factor != factor.Parameter.Name)).ToList();
            if (idle.Count == cells.Length)
                problems.Warn(factor.Field.Place, factor.Field.Path, "it applies in no cell");
            else if (factor.Parameter.AppliesWhen is { } applies && idle.Any(cell => factor.When?.Holds(cell.Configuration.Values) ?? true))
                problems.Warn(factor.Field.Place, factor.Field.Path,
                    $"its levels have no effect in some cells, which are run once: {Needs(applies)}; say so with when: {{ {applies.Of.Name}: {string.Join(", ", applies.Values)} }}");
        }
    }

    private static string Needs(Applicability applies) => $"it takes {applies.Of.Name} {string.Join(" or ", applies.Values)}";
}
