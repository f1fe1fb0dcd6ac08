using System.Collections.Immutable;

namespace DeepTrain.Cluster.Training;

/// <summary>Gives each feature mean 0 and variance 1 over some rows; a feature that is constant over them becomes 0 everywhere.</summary>
internal sealed class Standardisation
{
    private readonly double[] _means;
    private readonly double[] _inverseDeviations;

    private Standardisation(double[] means, double[] inverseDeviations) => (_means, _inverseDeviations) = (means, inverseDeviations);

    /// <param name="numbers">[n, D]</param>
    public static Standardisation Of(double[] numbers, int features, ImmutableArray<int> rows)
    {
        var (means, inverseDeviations) = (new double[features], new double[features]);
        for (var feature = 0; feature < features; feature++)
        {
            var column = feature;
            var (lowest, highest) = (rows.Min(At), rows.Max(At));
            if (lowest == highest)
                continue;
            // Measured from their middle and in their range, so that no sum of large numbers overflows or drowns their differences.
            var (middle, range) = (lowest / 2 + highest / 2, highest / 2 - lowest / 2);
            var mean = rows.Average(row => (At(row) - middle) / range);
            var variance = rows.Average(row => Math.Pow((At(row) - middle) / range - mean, 2));
            (means[feature], inverseDeviations[feature]) = (middle + mean * range, 1 / Math.Sqrt(variance) / range);

            double At(int row) => numbers[(long)row * features + column];
        }
        return new(means, inverseDeviations);
    }

    public void Apply(ReadOnlySpan<double> numbers, Span<float> scaled)
    {
        for (var i = 0; i < numbers.Length; i++)
            scaled[i] = (float)((numbers[i] - _means[i % _means.Length]) * _inverseDeviations[i % _means.Length]);
    }
}
