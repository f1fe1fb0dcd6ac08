using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Training.Activations;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Randomness;
using DeepTrain.Cluster.Training.Stacking;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class RReluTests
{
    private const int Steps = 50;

    [Fact]
    public void Forward_Training_DrawsSlopesOfTheRightMeanAndVariance()
    {
        using var scope = NewDisposeScope();
        var (activation, draws) = Make();
        var slopes = new List<float>();
        for (var step = 0; step < Steps; step++)
        {
            draws.Fill(step);
            var z = full([1, 32, 64], -2f);
            activation.Forward(z, Mode.Training);
            slopes.AddRange(z.div(-2).data<float>());
        }

        // Uniform over (1/8, 1/3): mean 11/48, variance (5/24)^2 / 12; four standard errors of each.
        var (mean, variance) = (11.0 / 48, 25.0 / 576 / 12);
        Assert.Equal(Steps * 32 * 64, slopes.Count);
        Assert.Equal(mean, slopes.Average(), 4 * Math.Sqrt(variance / slopes.Count));
        Assert.Equal(variance, slopes.Average(slope => Math.Pow(slope - mean, 2)), 4 * variance * Math.Sqrt(0.8 / slopes.Count));
        Assert.InRange(slopes.Min(), 1f / 8, 0.13f);
        Assert.InRange(slopes.Max(), 0.33f, 1f / 3);
        // Each unit, row and step has its own.
        Assert.True(slopes.Distinct().Count() > slopes.Count * 0.95);
    }

    [Fact]
    public void Backward_Training_PassesTheSlopesThatTheForwardPassTook()
    {
        using var scope = NewDisposeScope();
        var (activation, draws) = Make();
        draws.Fill(7);
        var z = arange(-1_024, 1_024, ScalarType.Float32).view(1, 32, 64);
        var output = z.clone();
        activation.Forward(output, Mode.Training);
        var gradient = ones(1, 32, 64);
        activation.Backward(gradient, output);
        Assert.True((gradient * z - output).abs().max().item<float>() == 0);
        Assert.True(gradient.masked_select(z.gt(0)).eq(1).all().item<bool>());
    }

    [Theory]
    [InlineData(nameof(Mode.Probing))]
    [InlineData(nameof(Mode.Evaluation))]
    public void Forward_NotTraining_TakesTheMeanSlope(string mode)
    {
        using var scope = NewDisposeScope();
        var (activation, _) = Make();
        var z = tensor([-2f, -1, 0, 1, 2, 3, 4, 5]).repeat(256).view(1, 32, 64);
        activation.Forward(z, Enum.Parse<Mode>(mode));
        Assert.Equal([-2 * 11f / 48, -11f / 48, 0, 1, 2, 3, 4, 5], z.view(-1)[..8].data<float>().ToArray());
    }

    private static (Activation, StepDraws) Make()
    {
        TorchRuntime.EnsureLoaded();
        var draws = new StepDraws([new(3)], Placement.OnCpu());
        return (Activation.ByName["rrelu"].Make(new(1, new(0, 1), [Trials.Configuration((Parameters.Activation, "rrelu"))], 32, 64, null, draws,
            Placement.OnCpu())), draws);
    }
}
