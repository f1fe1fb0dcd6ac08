using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;

namespace DeepTrain.Cluster.Sweeps.Spec;

/// <summary>How a changed file differs from the existing sweep of the same name.</summary>
/// <param name="Differences">
/// The reasons why the file is a different sweep, each like <c>training.learningRate: 0.05 -> 0.1</c>; empty where it is not.
/// </param>
/// <param name="AddedTrials">Trials that only the proposed sweep has.</param>
/// <param name="RemovedTrials">Trials that only the current sweep has. They stay stored but no longer take part in comparisons.</param>
/// <param name="IsIdentical">Whether trials, objective, claims, kept models, priority and limits are all the same.</param>
public sealed record SweepChange(ImmutableArray<string> Differences, int AddedTrials, int RemovedTrials, bool IsIdentical)
{
    private const int MostValuesTold = 5;

    /// <remarks>
    /// A parameter differs if it has an effect in both sweeps and no value in common. So a fixed value may become one of several levels in
    /// <c>space</c>, but neither a fixed value nor all levels may be replaced.
    /// </remarks>
    public static SweepChange Between(Sweep current, Sweep proposed)
    {
        var differences = DifferencesOf(current, proposed);
        var (before, after) = (CellIds(current), CellIds(proposed));
        var common = before.Intersect(after).Count * Math.Min(current.Replicates, proposed.Replicates);
        var (added, removed) = (proposed.TrialCount - common, current.TrialCount - common);
        return new(differences, added, removed, differences.IsEmpty && added == 0 && removed == 0
            && current.Objective == proposed.Objective && HandlingOf(current) == HandlingOf(proposed) && Texts(current.Claims).SetEquals(Texts(proposed.Claims)));
    }

    /// <summary>The settings that affect no result, so that a changed file may replace them.</summary>
    private static (Keep, int Priority, int? MaxSlots, int MaxAttempts, string? Device) HandlingOf(Sweep sweep) =>
        (sweep.Keep, sweep.Priority, sweep.MaxSlots, sweep.MaxAttempts, sweep.Device);

    private static ImmutableArray<string> DifferencesOf(Sweep current, Sweep proposed) =>
    [
        .. SearchDifferences(current.Search, proposed.Search),
        .. from parameter in Parameters.All.Select(parameter => (parameter.Name, parameter.Path)).Concat(FreeOf(current))
           let before = ValuesOf(parameter.Name, current)
           let after = ValuesOf(parameter.Name, proposed)
           where before.Count > 0 && after.Count > 0 && !before.Overlaps(after)
           select $"{parameter.Path}: {Tell(before)} -> {Tell(after)}",
    ];

    /// <summary>The parameters that a sweep declares for its command.</summary>
    private static IEnumerable<(string Name, string Path)> FreeOf(Sweep sweep) =>
        sweep.Cells[0].Configuration.Values.Keys.Where(name => !Parameters.ByName.ContainsKey(name)).Select(name => (name, $"trainer.parameters.{name}"));

    private static IEnumerable<string> SearchDifferences(SearchMethod current, SearchMethod proposed)
    {
        if (current.GetType() != proposed.GetType())
            yield return $"search.method: {NameOf(current)} -> {NameOf(proposed)}";
        else if (current is SearchMethod.Random before && proposed is SearchMethod.Random after && before.Seed != after.Seed)
            yield return $"search.seed: {before.Seed} -> {after.Seed}";
    }

    private static string NameOf(SearchMethod search) => search.GetType().Name.ToLowerInvariant();

    private static HashSet<ParameterValue> ValuesOf(string parameter, Sweep sweep) =>
        [.. sweep.Cells.Select(cell => cell.Configuration.Values.GetValueOrDefault(parameter)).OfType<ParameterValue>()];

    private static string Tell(HashSet<ParameterValue> values) =>
        string.Join(", ", values.Take(MostValuesTold)) + (values.Count > MostValuesTold ? ", ..." : "");

    private static ImmutableHashSet<string> CellIds(Sweep sweep) => [.. sweep.Cells.Select(cell => cell.Id)];

    private static HashSet<string> Texts(ImmutableArray<Claim> claims) =>
        [.. claims.Select(claim => $"{claim.Factor}: {string.Join(" > ", claim.Order)}")];
}
