using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Training.Initializers;
using DeepTrain.Cluster.Training.Networks;
using DeepTrain.Cluster.Training.Randomness;
using MathNet.Numerics;
using MathNet.Numerics.Distributions;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;
using static System.Math;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class InitializerTests(ITestOutputHelper output)
{
    /// <summary>The chance that a right initializer fails one check.</summary>
    private const double Tail = 1e-5;

    private const double Deviation = 0.3;
    private const double Limit = 0.4;

    private static readonly LayerShape[] Layers =
    [
        Dense(1, 64, 64), Dense(2, 32, 300), Dense(3, 300, 20), Dense(4, 1, 2_000),
        Dense(5, 24, 16 * 9) with { FanOut = 24 * 9 }, Dense(6, 100, 50) with { IsOutput = true },
    ];

    public static TheoryData<string> Scaled =>
        ["xavier-uniform", "xavier-normal", "he-uniform", "he-normal", "lecun-uniform", "lecun-normal"];

    public static TheoryData<string> Random => [.. Scaled.Select(row => row.Data), "normal", "truncated-normal", "uniform"];

    [Fact]
    public void ByName_Table_HasEveryChoice() =>
        Assert.Equal(Parameters.Initializer.Choices.Order(), Initializer.ByName.Keys.Order());

    [Theory]
    [MemberData(nameof(Random))]
    public void Weights_MeanVarianceAndDistribution_AgreeWithTheory(string name)
    {
        foreach (var layer in Layers)
        {
            for (var replicate = 1; replicate <= 3; replicate++)
                CheckDistribution(name, replicate, layer, Sqrt(Variance(name, layer)));
        }
    }

    [Theory]
    [MemberData(nameof(Scaled))]
    public void Weights_FanAndGain_ScaleTheDistribution(string name)
    {
        foreach (var layer in Layers)
        {
            var own = name.StartsWith("he", StringComparison.Ordinal) ? 2 : 1;
            var average = (layer.Inputs + layer.FanOut) / 2.0;
            foreach (var (fan, connections) in new[] { ("in", layer.Inputs), ("out", layer.FanOut), ("average", average) })
            {
                CheckDistribution(name, 1, layer, Sqrt(own / connections), (Parameters.Fan, fan));
                CheckDistribution(name, 1, layer, (layer.IsOutput ? 1 : 5.0 / 3) / Sqrt(connections),
                    (Parameters.Fan, fan), (Parameters.Gain, "activation"), (Parameters.Activation, "tanh"));
                CheckDistribution(name, 1, layer, (layer.IsOutput ? 1 : 4) * Sqrt(1 / average),
                    (Parameters.Fan, fan), (Parameters.Gain, "textbook"), (Parameters.Activation, "tanh"));
            }
        }
    }

    [Fact]
    public void Weights_HeAndReluGain_AreTheSame() => Assert.Equal(
        Weights("he-normal", 1, Layers[0], (Parameters.Activation, "relu")),
        Weights("he-normal", 1, Layers[0], (Parameters.Activation, "relu"), (Parameters.Gain, "activation")),
        (expected, actual) => Abs(expected - actual) <= 1e-15);

    [Fact]
    public void Weights_ZerosAndConstant_AreOneNumber()
    {
        var layer = Layers[4];
        Assert.Equal(new double[24 * 16 * 9], Weights("zeros", 1, layer));
        Assert.Equal(Enumerable.Repeat(-0.2, 24 * 16 * 9), Weights("constant", 1, layer, (Parameters.InitializerConstant, -0.2)));
    }

    [Fact]
    public void Weights_UniformNormalAndTruncated_ComeFromOneBaseDraw()
    {
        var units = new BaseDraws(3).Units(1, 64, 64);
        Func<double, double, bool> near = (expected, actual) => Abs(expected - actual) < 1e-12;
        Assert.Equal(units, Weights("uniform", 3, Layers[0]).Select(weight => (weight / Limit + 1) / 2), near);
        Assert.Equal(units, Weights("he-uniform", 3, Layers[0]).Select(weight => (weight / Sqrt(6.0 / 64) + 1) / 2), near);
        Assert.Equal(units, Weights("he-normal", 3, Layers[0]).Select(weight => Normal.CDF(0, Sqrt(2.0 / 64), weight)), near);
        Assert.Equal(units, Weights("truncated-normal", 3, Layers[0]).Select(Distribution("truncated-normal", Deviation)), near);
    }

    [Fact]
    public void Weights_TruncatedNormal_LieWithinTwoDeviationsBeforeTheCut()
    {
        var bound = 2 * Deviation / 0.8796256610342398;
        Assert.InRange(Weights("truncated-normal", 1, Layers[1]).Max(Abs), 0.99 * bound, bound);
    }

    [Theory]
    [InlineData(64, 64)]
    [InlineData(10, 32)]
    [InlineData(32, 10)]
    [InlineData(1, 50)]
    [InlineData(50, 1)]
    [InlineData(300, 784)]
    public void Weights_Orthogonal_HaveOrthonormalRowsOrColumns(int outputs, int inputs)
    {
        var layer = Dense(1, outputs, inputs);
        var weights = Weights("orthogonal", 1, layer, (Parameters.Gain, "activation"), (Parameters.Activation, "tanh"));
        Assert.Equal(Weights("lsuv", 1, layer), weights.Select(weight => weight / (5.0 / 3)), (a, b) => Abs(a - b) < 1e-15);
        for (var i = 0; i < Min(outputs, inputs); i++)
        {
            for (var j = 0; j <= i; j++)
            {
                var product = outputs < inputs
                    ? Enumerable.Range(0, inputs).Sum(column => weights[i * inputs + column] * weights[j * inputs + column])
                    : Enumerable.Range(0, outputs).Sum(row => weights[row * inputs + i] * weights[row * inputs + j]);
                Assert.Equal(i == j ? 25.0 / 9 : 0, product, 1e-12);
            }
        }
    }

    [Theory]
    [InlineData(64, 64)]
    [InlineData(10, 32)]
    [InlineData(32, 10)]
    public void Weights_Orthogonal_AreTheSignFixedQOfTheNormals(int outputs, int inputs)
    {
        var normals = Matrix<double>.Build.DenseOfRowMajor(outputs, inputs, new BaseDraws(1).Normals(1, outputs, inputs));
        var qr = (outputs < inputs ? normals.Transpose() : normals).QR(QRMethod.Thin);
        var q = qr.Q * Matrix<double>.Build.DenseOfDiagonalVector(qr.R.Diagonal().PointwiseSign());
        Assert.Equal((outputs < inputs ? q.Transpose() : q).ToRowMajorArray(), Weights("orthogonal", 1, Dense(1, outputs, inputs)),
            (expected, actual) => Abs(expected - actual) < 1e-11);
    }

    /// <summary>An entry of an evenly distributed orthogonal n x n matrix: its square is Beta(1/2, (n - 1)/2), its sign a coin.</summary>
    [Theory]
    [InlineData(5, 5)]
    [InlineData(3, 6)]
    [InlineData(7, 4)]
    public void Weights_Orthogonal_AreEvenlyDistributed(int outputs, int inputs)
    {
        const int replicates = 2_000;
        var n = Max(outputs, inputs);
        double[][] matrices =
            [.. Enumerable.Range(1, replicates).Select(replicate => Weights("orthogonal", replicate, Dense(1, outputs, inputs)))];
        for (var place = 0; place < outputs * inputs; place++)
            CheckKolmogorovSmirnov([.. matrices.Select(matrix => matrix[place])], Cumulative, $"orthogonal {outputs}x{inputs} at {place}");

        double Cumulative(double x) =>
            (1 + Sign(x) * SpecialFunctions.BetaRegularized(0.5, (n - 1) / 2.0, Min(1, x * x))) / 2;
    }

    [Fact]
    public void Weights_OtherReplicateOrLayer_Differ() => Assert.All(["normal", "orthogonal"], name =>
    {
        var weights = Weights(name, 1, Dense(1, 8, 8));
        Assert.NotEqual(weights, Weights(name, 2, Dense(1, 8, 8)));
        Assert.NotEqual(weights, Weights(name, 1, Dense(2, 8, 8)));
        Assert.Equal(weights, Weights(name, 1, Dense(1, 8, 8)));
    });

    private static LayerShape Dense(int number, int units, int inputs) =>
        new(number, units, inputs, units, Spots: 1, Width: units, Depth: inputs, Image: null, Pooled: null);

    private void CheckDistribution(string name, int replicate, LayerShape layer, double deviation, params (Parameter, object)[] values)
    {
        var weights = Weights(name, replicate, layer, values);
        var what = $"{name}, replicate {replicate}, {layer}, {string.Join(' ', values.Select(value => value.Item2))}";
        var (n, variance) = (weights.Length, deviation * deviation);
        var mean = weights.Average();
        var sample = weights.Sum(weight => weight * weight) / n; // the mean is known to be 0
        var bound = -Normal.InvCDF(0, 1, Tail);
        // The mean of squares has the variance (kurtosis - 1) s^4 / n.
        var kurtosis = Kurtosis(name);
        var (meanScore, varianceScore) = (mean / Sqrt(variance / n), (sample / variance - 1) / Sqrt((kurtosis - 1) / n));
        Assert.True(Abs(meanScore) < bound, $"{what}: the mean is {meanScore} standard errors off.");
        Assert.True(Abs(varianceScore) < bound, $"{what}: the variance is {varianceScore} standard errors off.");
        CheckKolmogorovSmirnov(weights, Distribution(name, deviation), what);
    }

    private void CheckKolmogorovSmirnov(double[] sample, Func<double, double> cumulative, string what)
    {
        Array.Sort(sample);
        var n = sample.Length;
        var distance = sample.Index().Max(item =>
        {
            var expected = cumulative(item.Item);
            return Max((item.Index + 1.0) / n - expected, expected - (double)item.Index / n);
        });
        var bound = Sqrt(Log(2 / Tail) / 2); // Massart 1990
        output.WriteLine($"{what}: {distance * Sqrt(n):f3} of at most {bound:f3}");
        Assert.True(distance * Sqrt(n) < bound, $"{what}: {distance} from its distribution in {n} draws.");
    }

    private static double[] Weights(string name, int replicate, LayerShape layer, params (Parameter, object)[] values) =>
        Initializer.ByName[name].Weights(new(replicate), layer, Trials.Configuration(
        [
            (Parameters.Initializer, name), (Parameters.InitializerStd, Deviation), (Parameters.InitializerLimit, Limit), .. values,
        ]));

    private static double Variance(string name, LayerShape layer) => name.Split('-')[0] switch
    {
        "he" => 2.0 / layer.Inputs,
        "xavier" => 2.0 / (layer.Inputs + layer.FanOut),
        "lecun" => 1.0 / layer.Inputs,
        "uniform" => Limit * Limit / 3,
        _ => Deviation * Deviation,
    };

    /// <summary>The fourth moment of a distribution with unit variance.</summary>
    private static double Kurtosis(string name)
    {
        if (name.EndsWith("uniform", StringComparison.Ordinal))
            return 1.8;
        if (name != "truncated-normal")
            return 3;
        // By parts: E z^4 = 3 E z^2 - 2 * 2^3 p(2) / P, with P the probability within the cut.
        var (within, density) = (1 - 2 * Normal.CDF(0, 1, -2), Normal.PDF(0, 1, 2));
        var second = 1 - 4 * density / within;
        return (3 * second - 16 * density / within) / (second * second);
    }

    private static Func<double, double> Distribution(string name, double deviation)
    {
        if (name.EndsWith("uniform", StringComparison.Ordinal))
            return weight => Clamp((weight / (Sqrt(3) * deviation) + 1) / 2, 0, 1);
        if (name != "truncated-normal")
            return weight => Normal.CDF(0, deviation, weight);
        var below = Normal.CDF(0, 1, -2);
        return weight => Clamp((Normal.CDF(0, deviation / 0.8796256610342398, weight) - below) / (1 - 2 * below), 0, 1);
    }
}
