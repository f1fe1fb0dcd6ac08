using System.Collections.Immutable;
using CsCheck;
using DeepTrain.Cluster.Training.Data;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class StandardisationTests
{
    [Fact]
    public void Apply_TrainingRows_HaveMeanZeroAndVarianceOne() =>
        Gen.Select(Gen.Double[-1e6, 1e6].Array[60], Gen.Double[1e-3, 1e6], Gen.Double[-1e9, 1e9]).Sample((numbers, scale, shift) =>
        {
            var table = Array.ConvertAll(numbers, number => number * scale + shift);
            ImmutableArray<int> rows = [.. Enumerable.Range(0, 20).Where(row => row % 3 != 0)];
            var scaled = Apply(table, 3, rows);
            for (var feature = 0; feature < 3; feature++)
            {
                var column = rows.Select(row => (double)scaled[row * 3 + feature]).ToList();
                Assert.Equal(0, column.Average(), 1e-6);
                Assert.Equal(1, column.Average(value => value * value), 1e-5);
            }
        });

    [Fact]
    public void Of_RowsOutsideTheTraining_ChangeNoBit()
    {
        double[] table = [1, 2, 4, 100], other = [1, 2, 4, -1e9];
        Assert.Equal(Apply(table, 1, [0, 1, 2])[..3], Apply(other, 1, [0, 1, 2])[..3]);
    }

    [Theory]
    [InlineData(0.1)]
    [InlineData(1e300)]
    public void Apply_ConstantFeature_IsZeroEverywhere(double constant) =>
        Assert.Equal([0, 0, 0, 0], Apply([constant, constant, constant, 7], 1, [0, 1, 2]));

    [Fact]
    public void Apply_HugeNumbers_StayFinite() =>
        Assert.Equal([-1, 1], Apply([-1.7e308, 1.7e308], 1, [0, 1]));

    [Fact]
    public void Apply_DifferencesThatTrainingThreadsTakeAsZero_AreAConstantFeature() =>
        Assert.Equal([0, 0, 0], Apply([4e-308, 2.3e-308, 7], 1, [0, 1]));

    private static float[] Apply(double[] numbers, int features, ImmutableArray<int> rows)
    {
        var scaled = new float[numbers.Length];
        Standardisation.Of(numbers, features, rows).Apply(numbers, scaled);
        return scaled;
    }
}
