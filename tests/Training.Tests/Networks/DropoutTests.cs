using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Networks;
using DeepTrain.Cluster.Training.Randomness;
using DeepTrain.Cluster.Training.Stacking;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class DropoutTests
{
    private const int Units = 64;
    private const int Columns = 512;

    private static readonly ImmutableArray<double> Probabilities = [0.1, 0.5, 0.9];

    [Fact]
    public void Forward_EachTrial_DropsItsShareAndKeepsTheMean()
    {
        using var scope = NewDisposeScope();
        var (dropout, draws) = Make("relu");
        draws.Fill(0);
        var y = ones(Probabilities.Length, Units, Columns);
        dropout.Forward(y);
        foreach (var (trial, p) in Probabilities.Index())
        {
            var own = y[trial];
            var numbers = (double)Units * Columns;
            // Four standard errors of a share, and of a mean of numbers that are 0 or 1 / (1 - p).
            Assert.Equal(p, own.eq(0).to(ScalarType.Float64).mean().item<double>(), 4 * Math.Sqrt(p * (1 - p) / numbers));
            Assert.Equal(1, own.to(ScalarType.Float64).mean().item<double>(), 4 * Math.Sqrt(p / (1 - p) / numbers));
            Assert.Equal((float)(1 / (1 - p)), own.max().item<float>(), 1e-6f);
        }
        // The same draws for all: who drops more drops what the others drop, too.
        Assert.True(y[1].masked_select(y[0].eq(0)).eq(0).all().item<bool>());
        Assert.True(y[2].masked_select(y[1].eq(0)).eq(0).all().item<bool>());
    }

    [Fact]
    public void Forward_AfterSelu_KeepsMeanAndVariance()
    {
        using var scope = NewDisposeScope();
        var (dropout, draws) = Make("selu");
        draws.Fill(0);
        // SELU of standard normal numbers has mean 0 and variance 1.
        var normals = new BaseDraws(5).Normals(1, Units, Columns);
        var y = tensor(normals, [1, Units, Columns]).to(ScalarType.Float32).expand(3, -1, -1).clone().selu();
        dropout.Forward(y);
        for (var trial = 0; trial < 3; trial++)
        {
            var mean = y[trial].mean().item<float>();
            Assert.Equal(0, mean, 0.03f);
            Assert.Equal(1, (y[trial] - mean).square().mean().item<float>(), 0.05f);
        }
        // What is dropped is one value: SELU's limit, mapped as the others are.
        var dropped = y[1].masked_select(draws.Of(Purpose.Dropout, 1, new(0, 1), Units, Columns)[0].lt(0.5));
        Assert.True((dropped - dropped[0]).abs().max().item<float>() == 0);
    }

    [Theory]
    [InlineData("relu")]
    [InlineData("selu")]
    public void Backward_Gradient_IsThatOfTheForwardPass(string activation)
    {
        using var scope = NewDisposeScope();
        var (dropout, draws) = Make(activation);
        draws.Fill(3);
        var (low, high) = (zeros(3, Units, Columns), ones(3, Units, Columns));
        dropout.Forward(low);
        dropout.Forward(high);
        var gradient = ones(3, Units, Columns);
        dropout.Backward(gradient);
        // It is linear in each unit: the difference of its values is its slope.
        Assert.True((high - low - gradient).abs().max().item<float>() < 1e-5);
    }

    [Fact]
    public void Forward_StepLayerAndReplicate_EachHasDrawsOfItsOwn()
    {
        using var scope = NewDisposeScope();
        var (draws, other) = (new StepDraws([new(1)], Placement.OnCpu()), new StepDraws([new(2)], Placement.OnCpu()));
        var (first, second) = (draws.Of(Purpose.Dropout, 1, new(0, 1), Units, Columns), draws.Of(Purpose.Dropout, 2, new(0, 1), Units, Columns));
        var elsewhere = other.Of(Purpose.Dropout, 1, new(0, 1), Units, Columns);
        draws.Fill(0);
        other.Fill(0);
        var before = first.clone();
        Assert.True(Differ(first, second) && Differ(first, elsewhere));
        draws.Fill(1);
        Assert.True(Differ(first, before));
        draws.Fill(0);
        Assert.False(Differ(first, before));

        // Of so many draws hardly any are equal by chance.
        static bool Differ(Tensor one, Tensor other) => one.eq(other).to(ScalarType.Float32).mean().item<float>() < 0.01;
    }

    private static (Dropout, StepDraws) Make(string activation)
    {
        TorchRuntime.EnsureLoaded();
        var draws = new StepDraws([new(1)], Placement.OnCpu());
        return (new([.. Probabilities.Select(p => Trials.Configuration((Parameters.Activation, activation), (Parameters.Dropout, p)))],
            draws.Of(Purpose.Dropout, 1, new(0, Probabilities.Length), Units, Columns)), draws);
    }
}
