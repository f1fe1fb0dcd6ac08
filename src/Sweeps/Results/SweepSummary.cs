using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Sweeps.Results;

/// <summary>The cells of a sweep, summarized from the results of their trials so far.</summary>
/// <param name="Cells">Ordered from the best mean to the worst, then cells without a mean. Ties keep the order of the sweep.</param>
/// <param name="Best">The cell with the best mean among those whose replicates all completed; null where there is none.</param>
public sealed record SweepSummary(ImmutableArray<CellSummary> Cells, CellSummary? Best)
{
    /// <param name="results">In any order. Results of cells or replicates that the sweep does not have are ignored.</param>
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

/// <summary>The results of the trials of one cell.</summary>
/// <param name="Replicates">How many replicates completed with a finite objective. The other numbers are computed from these.</param>
/// <param name="Mean">The mean of the objective; null without a replicate.</param>
/// <param name="Spread">The sample standard deviation of the objective; null below two replicates, or where it overflows.</param>
/// <param name="TestAccuracy">The mean over the replicates that have one; null where it overflows.</param>
/// <param name="Trial">The trial nearest to the mean; among equals, the one with the lowest replicate.</param>
public sealed record CellSummary(
    Cell Cell, int Replicates, double? Mean, double? Spread, int Diverged, int Failed, double? TestAccuracy, TrialId? Trial)
{
    private const double Large = 1e140;
    private const int ScaledBy = 600;

    internal static CellSummary Of(Cell cell, Objective objective, IEnumerable<TrialResult> results)
    {
        // The order of summation must not depend on which trial finished first.
        var ordered = results.OrderBy(result => result.Trial.Replicate).ToList();
        var scored = ordered
            .Select(result => (result.Trial, result.TestAccuracy, Objective: objective.Of(result)))
            .Where(result => result.Objective is { } value && double.IsFinite(value))
            .ToList();
        // Sums and squares of very large numbers would overflow. Scaling by a power of two is exact.
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
