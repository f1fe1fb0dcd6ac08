using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Training.Data;

/// <summary>A value that exceeds the range of float32 when standardised.</summary>
/// <param name="Replicate">The first replicate in whose training rows the feature varies too little for this value.</param>
internal sealed record Overflow(int Row, int Feature, int Replicate);

/// <summary>
/// Finds values that exceed the range of float32 when standardised: a feature may be almost constant over the training rows but
/// very different in a row of validation or test. The trial would then seem to diverge.
/// </summary>
internal static class StandardisedRange
{
    /// <summary>
    /// Two different numbers differ by at least 2^-53 of the smaller magnitude, and a deviation over n rows is at least that difference
    /// divided by the root of n. So below this ratio of magnitudes nothing overflows: 3e38 x 2^-53 is 4e22, and n is below 2^31.
    /// </summary>
    private const double HarmlessSpan = 1e17;

    /// <returns>The first such value; null where there is none in any replicate.</returns>
    public static Overflow? FindOverflow(DataTable table, Sweep sweep, CancellationToken cancellation)
    {
        ImmutableArray<int> suspects = [.. Enumerable.Range(0, table.Info.Features).Where(feature => SpansMuch(table, feature))];
        if (suspects.IsEmpty)
            return null;
        var configurations = sweep.Cells.Select(cell => cell.Configuration).DistinctBy(configuration => configuration[Parameters.TrainFraction]).ToList();
        var columns = suspects.Select(feature => Column(table, feature)).ToList();
        var scaled = new float[table.Info.Rows];
        // With a fixed split all replicates have the same rows.
        for (var replicate = 1; replicate <= (configurations[0][Parameters.Split] == "fixed" ? 1 : sweep.Replicates); replicate++)
        {
            foreach (var configuration in configurations)
            {
                cancellation.ThrowIfCancellationRequested();
                var train = Partition.Of(table.Info, table.Labels, configuration, replicate).Train;
                foreach (var (i, column) in columns.Index())
                {
                    Standardisation.Of(column, 1, train).Apply(column, scaled);
                    if (Array.FindIndex(scaled, number => !float.IsFinite(number)) is >= 0 and var row)
                        return new(row, suspects[i], replicate);
                }
            }
        }
        return null;
    }

    private static bool SpansMuch(DataTable table, int feature)
    {
        var (lowest, highest) = (double.PositiveInfinity, 0.0);
        for (var row = 0; row < table.Info.Rows; row++)
        {
            var magnitude = Math.Abs(table.Unscaled![(long)row * table.Info.Features + feature]);
            highest = Math.Max(highest, magnitude);
            if (magnitude > 0)
                lowest = Math.Min(lowest, magnitude);
        }
        return highest / lowest > HarmlessSpan;
    }

    private static double[] Column(DataTable table, int feature) =>
        [.. Enumerable.Range(0, table.Info.Rows).Select(row => table.Unscaled![(long)row * table.Info.Features + feature])];
}
