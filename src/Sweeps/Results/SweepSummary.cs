using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Sweeps.Results;

/// <summary>The cells of a sweep by what their trials have shown so far.</summary>
/// <param name="Cells">The best mean first; cells without a mean last; ties in the order of the sweep.</param>
/// <param name="Best">The best mean among the cells all of whose replicates completed; null while there is none.</param>
public sealed record SweepSummary(ImmutableArray<CellSummary> Cells, CellSummary? Best)
{
    /// <param name="results">In any order; those of other cells or replicates than the sweep's are left out.</param>
    public static SweepSummary Of(Sweep sweep, IEnumerable<TrialResult> results)
    {
        var byCell = results.Where(result => result.Trial.Replicate <= sweep.Replicates).ToLookup(result => result.Trial.Cell);
        var sign = sweep.Objective.Goal is Goal.Maximize ? -1 : 1;
        ImmutableArray<CellSummary> cells =
        [
            .. sweep.Cells.Select(cell => CellSummary.Of(cell, sweep.Objective, byCell[cell.Id]))
                .OrderBy(cell => cell.Mean is null).ThenBy(cell => sign * cell.Mean),
        ];
        return new(cells, cells.FirstOrDefault(cell => cell.Replicates == sweep.Replicates));
    }
}

/// <summary>What one cell's trials have shown.</summary>
/// <param name="Replicates">How many completed with a finite objective; the following numbers are over these.</param>
/// <param name="Mean">Of the objective; null without a replicate.</param>
/// <param name="Spread">The sample standard deviation of the objective; null under two replicates, or where it is larger than any number.</param>
/// <param name="TestAccuracy">The mean of those that have one; null where it is larger than any number.</param>
/// <param name="Trial">The one nearest to the mean; the lowest replicate of several.</param>
public sealed record CellSummary(
    Cell Cell, int Replicates, double? Mean, double? Spread, int Diverged, int Failed, double? TestAccuracy, TrialId? Trial)
{
    private const double Large = 1e140;
    private const int ScaledBy = 600;

    internal static CellSummary Of(Cell cell, Objective objective, IEnumerable<TrialResult> results)
    {
        // The order of the sums must not depend on who finished first.
        var ordered = results.OrderBy(result => result.Trial.Replicate).ToList();
        var scored = ordered
            .Select(result => (result.Trial, result.TestAccuracy, Objective: objective.Of(result)))
            .Where(result => result.Objective is { } value && double.IsFinite(value))
            .ToList();
        // The sums and squares of very large numbers are no numbers any more. A power of two keeps every bit of what is scaled.
        var scale = scored.Any(result => Math.Abs(result.Objective!.Value) > Large) ? Math.ScaleB(1, -ScaledBy) : 1;
        var mean = scored.Average(result => result.Objective * scale);
        var spread = scored.Count < 2
            ? (double?)null
            : Math.Sqrt(scored.Sum(result => Math.Pow((result.Objective!.Value * scale) - mean!.Value, 2)) / (scored.Count - 1));
        return new(cell, scored.Count, Finite(mean / scale), Finite(spread / scale),
            ordered.Count(result => result.Outcome is Outcome.Diverged),
            ordered.Count(result => result.Outcome is Outcome.Failed),
            Finite(scored.Average(result => result.TestAccuracy)),
            scored.Count == 0 ? null : scored.MinBy(result => Math.Abs((result.Objective!.Value * scale) - mean!.Value)).Trial);
    }

    private static double? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;
}
