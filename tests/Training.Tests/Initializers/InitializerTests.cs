using DeepTrain.Cluster.Sweeps;
using MathNet.Numerics.Distributions;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class InitializerTests
{
    public static TheoryData<string, int, int> Layers =>
        [.. Trials.Initializers.SelectMany(name => new[] { (64, 64), (32, 300) }
            .Select(shape => new TheoryDataRow<string, int, int>(name, shape.Item1, shape.Item2)))];

    [Fact]
    public void ByName_Table_HasEveryChoice() =>
        Assert.Equal(Parameters.Initializer.Choices.Order(), Initializer.ByName.Keys.Order());

    [Theory]
    [MemberData(nameof(Layers))]
    public void Weights_MeanAndVariance_AgreeWithTheory(string name, int fanOut, int fanIn)
    {
        const double tail = 1e-5;
        var weights = Weights(name, replicate: 1, fanOut, fanIn);
        var n = weights.Length;
        var variance = Variance(name, fanIn, fanOut);
        var mean = weights.Average();
        var sample = weights.Sum(weight => (weight - mean) * (weight - mean)) / (n - 1);

        var bound = -Normal.InvCDF(0, 1, tail);
        Assert.InRange(mean / Math.Sqrt(variance / n), -bound, bound);
        if (name.EndsWith("uniform", StringComparison.Ordinal))
        {
            // The sample variance of a uniform has the variance (9/5 - 1) s^4 / n.
            Assert.InRange((sample / variance - 1) / Math.Sqrt(0.8 / n), -bound, bound);
            Assert.InRange(weights.Max(), 0.99 * Math.Sqrt(3 * variance), Math.Sqrt(3 * variance));
        }
        else
        {
            Assert.InRange((n - 1) * sample / variance, ChiSquared.InvCDF(n - 1, tail), ChiSquared.InvCDF(n - 1, 1 - tail));
            Assert.InRange(weights.Max() / Math.Sqrt(variance), 3, 6);
        }
    }

    [Fact]
    public void Weights_UniformAndNormal_ComeFromOneBaseDraw()
    {
        var limit = Math.Sqrt(6.0 / 64);
        Assert.Equal(
            Weights("he-uniform", replicate: 3, 64, 64).Select(weight => Normal.InvCDF(0, Math.Sqrt(2.0 / 64), (weight / limit + 1) / 2)),
            Weights("he-normal", replicate: 3, 64, 64),
            (expected, actual) => Math.Abs(expected - actual) < 1e-12);
    }

    [Fact]
    public void Weights_OtherReplicateOrLayer_Differ()
    {
        var weights = Weights("normal", replicate: 1, 8, 8);
        Assert.NotEqual(weights, Weights("normal", replicate: 2, 8, 8));
        Assert.NotEqual(weights, Weights("normal", replicate: 1, 8, 8, layer: 2));
        Assert.Equal(weights, Weights("normal", replicate: 1, 8, 8));
    }

    private static double[] Weights(string name, int replicate, int fanOut, int fanIn, int layer = 1) => Initializer.ByName[name]
        .Weights(new(replicate), layer, fanOut, fanIn, Trials.Configuration((Parameters.Initializer, name), (Parameters.InitializerStd, 0.3)));

    private static double Variance(string name, int fanIn, int fanOut) => name.Split('-')[0] switch
    {
        "he" => 2.0 / fanIn,
        "xavier" => 2.0 / (fanIn + fanOut),
        "lecun" => 1.0 / fanIn,
        _ => 0.09,
    };
}
