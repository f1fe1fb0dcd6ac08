using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Training.Initializers;
using DeepTrain.Cluster.Training.Networks;
using DeepTrain.Cluster.Training.Randomness;
using MathNet.Numerics.Distributions;
using MathNet.Numerics.Integration;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Statistics;

namespace DeepTrain.Cluster.Training.Tests;

/// <summary>Twenty layers of 100 units at the start, before any training.</summary>
public sealed class SignalPropagationTests(ITestOutputHelper output)
{
    private const int Depth = 20;
    private const int Width = 100;
    private const int Rows = 200;

    /// <summary>How far from mean field theory, q' = fan-in variance(w) E f(sqrt q z)^2, a layer's variance may be: by this factor.</summary>
    private const double Band = 1.5;

    [Theory]
    [InlineData("xavier-normal", "none", 1)]
    [InlineData("xavier-uniform", "none", 1)]
    [InlineData("xavier-normal", "activation", 25.0 / 9)]
    [InlineData("xavier-uniform", "activation", 25.0 / 9)]
    [InlineData("orthogonal", "none", 1)]
    [InlineData("orthogonal", "activation", 25.0 / 9)]
    [InlineData("truncated-normal", "none", 1)]
    public void PreActivations_Tanh_KeepTheVariancesOfMeanFieldTheory(string initializer, string gain, double scale)
    {
        var variances = Variances(initializer, gain, deviation: 0.1);
        var expected = scale;
        foreach (var (layer, variance) in variances.Index())
        {
            Assert.InRange(variance / expected, 1 / Band, Band);
            expected = scale * SecondMoment(expected);
        }
        Assert.InRange(variances[^1], 0.01, 2);
    }

    /// <summary>Each unit sums 100 numbers of about 1, and tanh saturates.</summary>
    [Fact]
    public void PreActivations_TanhFromStandardNormals_AreAHundredTimesTooWide() =>
        Assert.All(Variances("normal", "none", deviation: 1), variance => Assert.InRange(variance, 50, 150));

    /// <summary>
    /// The variance of each layer's pre-activations over rows and units, inputs being standard normal; the mean of ten replicates.
    /// </summary>
    private double[] Variances(string initializer, string gain, double deviation)
    {
        var configuration = Trials.Configuration((Parameters.Initializer, initializer), (Parameters.Gain, gain),
            (Parameters.Activation, "tanh"), (Parameters.InitializerStd, deviation));
        var variances = new double[Depth];
        for (var replicate = 1; replicate <= 10; replicate++)
        {
            var draws = new BaseDraws(replicate);
            var x = Matrix<double>.Build.DenseOfRowMajor(Width, Rows, draws.Normals(1_000, Width, Rows));
            for (var layer = 0; layer < Depth; layer++)
            {
                var shape = new LayerShape(layer + 1, Width, Width, Width, Spots: 1, Width, Width, Image: null, Pooled: null);
                var weights = Initializer.ByName[initializer].Weights(draws, shape, configuration);
                var z = Matrix<double>.Build.DenseOfRowMajor(Width, Width, weights) * x;
                variances[layer] += z.Enumerate().PopulationVariance() / 10;
                x = z.PointwiseTanh();
            }
        }
        var told = string.Join(' ', variances.Select(variance => $"{variance:g3}"));
        output.WriteLine($"{initializer}, gain {gain}, replicates 1 to 10: {told}");
        return variances;
    }

    private static double SecondMoment(double variance) => GaussLegendreRule.Integrate(
        z => Math.Pow(Math.Tanh(Math.Sqrt(variance) * z), 2) * Normal.PDF(0, 1, z), -10, 10, 256);
}
