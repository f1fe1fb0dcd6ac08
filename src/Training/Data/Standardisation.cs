using System.Collections.Immutable;

namespace DeepTrain.Cluster.Training.Data;

/// <summary>Gives each feature mean 0 and variance 1 over some rows. A feature that is constant over them becomes 0 everywhere.</summary>
internal sealed class Standardisation
{
    private readonly double[] _means;
    private readonly double[] _deviations;

    private Standardisation(double[] means, double[] deviations) => (_means, _deviations) = (means, deviations);

    /// <summary>[D]</summary>
    public ReadOnlySpan<double> Means => _means;

    /// <summary>[D]; 0 where a feature is constant.</summary>
    public ReadOnlySpan<double> Deviations => _deviations;

    /// <param name="numbers">[n, D]</param>
    public static Standardisation Of(double[] numbers, int features, ImmutableArray<int> rows)
    {
        var (means, deviations) = (new double[features], new double[features]);
        for (var feature = 0; feature < features; feature++)
        {
            var column = feature;
            var (lowest, highest) = (rows.Min(At), rows.Max(At));
            if (lowest == highest)
                continue;
            // Values are shifted by their middle and scaled by their range, so that large numbers neither overflow nor lose precision.
            var (middle, range) = (lowest / 2 + highest / 2, highest / 2 - lowest / 2);
            // The training threads flush denormal differences to zero.
            if (!double.IsNormal(range))
                continue;
            var mean = rows.Average(row => (At(row) - middle) / range);
            var variance = rows.Average(row => Math.Pow((At(row) - middle) / range - mean, 2));
            (means[feature], deviations[feature]) = (middle + mean * range, Math.Sqrt(variance) * range);

            double At(int row) => numbers[(long)row * features + column];
        }
        return new(means, deviations);
    }

    public void Apply(ReadOnlySpan<double> numbers, Span<float> scaled)
    {
        for (var i = 0; i < numbers.Length; i++)
        {
            // On threads that flush denormals to zero, a product with the inverse would be 0 for huge numbers.
            var deviation = _deviations[i % _means.Length];
            scaled[i] = deviation == 0 ? 0 : (float)((numbers[i] - _means[i % _means.Length]) / deviation);
        }
    }
}
