using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Fusion;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Randomness;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class HealthProbeTests(ITestOutputHelper output)
{
    /// <summary>Twenty hidden layers of 100: what samples/vanishing-gradients.yaml compares.</summary>
    [Theory]
    [InlineData("logistic", "xavier-normal", "vanishing")]
    [InlineData("logistic", "normal", "saturated")]
    [InlineData("relu", "normal", "exploding")]
    [InlineData("relu", "he-normal", "healthy")]
    public void Look_TwentyLayers_GivesTheTextbooksVerdict(string activation, string initializer, string expected)
    {
        for (var replicate = 1; replicate <= 6; replicate++)
        {
            using var run = Deep(activation, initializer, replicate);
            var health = Assert.Single(run.ReportStart()).Health!;
            output.WriteLine($"{activation} {initializer} r{replicate}: ratio {health.Ratio:G3}, {health.Ailments}, "
                + $"variance {health.Layers[0].Variance:G3}..{health.Layers[^2].Variance:G3}, flat {health.Layers[1].FlatSlopes:G3}");
            Assert.Equal(expected, health.Ailments.Verdict());
            if (expected == "vanishing")
                Assert.InRange(health.Ratio, 1e-14, 1e-10);
        }
    }

    [Fact]
    public void Look_XavierWithTanh_KeepsLayerVariancesAndNormalDoesNot()
    {
        using var xavier = Deep("tanh", "xavier-normal", 1);
        using var normal = Deep("tanh", "normal", 1);
        var kept = Assert.Single(xavier.ReportStart()).Health!.Layers[..^1];
        var lost = Assert.Single(normal.ReportStart()).Health!.Layers[..^1];
        output.WriteLine($"xavier {string.Join(" ", kept.Select(layer => $"{layer.Variance:G3}"))}");
        output.WriteLine($"normal {string.Join(" ", lost.Select(layer => $"{layer.Variance:G3}"))}");
        Assert.All(kept, layer => Assert.InRange(layer.Variance, 0.01, 1));
        Assert.All(lost, layer => Assert.True(layer.Variance > 5));
    }

    /// <summary>Every number against autograd on the same network, written with plain operators.</summary>
    [Theory]
    [InlineData("tanh", false)]
    [InlineData("relu", true)]
    [InlineData("prelu", false)]
    public void Look_Numbers_AreThoseOfAutograd(string activation, bool batchNorm)
    {
        var configuration = Trials.Configuration(
            (Parameters.Activation, activation), (Parameters.BatchNorm, batchNorm), (Parameters.Hidden, new[] { 40, 30 }),
            (Parameters.Initializer, "normal"), (Parameters.InitializerStd, 0.5), (Parameters.PreluAlpha, 0.005));
        var replicate = Replicate.Prepare(configuration, [1], DatasetSources.Default).ByNumber[1];
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        var digits = Dataset.Of("digits");
        using var stage = new Stage(digits, [configuration], [replicate]);
        using (inference_mode())
            StartWeights.Fill(stage, [configuration.Trial()], _ => throw new InvalidOperationException());
        GradientHealth health;
        using (inference_mode())
        {
            stage.Validate();
            health = stage.Look([false])[0];
        }

        var rows = tensor(replicate.Draws.Shuffle([.. replicate.Partition.Train], Purpose.BatchOrder, 1)[..32].Select(row => (long)row).ToArray());
        var x = digits.Features.index_select(0, rows);
        var validation = digits.Features.index_select(0, tensor(replicate.Partition.Validation.Select(row => (long)row).ToArray()));
        var (weights, inputs, slopes, dead) = (new List<Tensor>(), new List<Tensor>(), new List<Tensor>(), new List<float>());
        foreach (var (shape, weight) in stage.Network.Shapes.Zip(stage.Network.Weights))
        {
            var own = weight.Value[0].narrow(0, 0, shape.Units).narrow(1, 0, shape.Inputs).clone().requires_grad_();
            weights.Add(own);
            var z = matmul(x, own.t());
            z.retain_grad();
            inputs.Add(z);
            if (shape.IsOutput)
                break;
            var normal = batchNorm ? (z - z.mean([0])) / ((z - z.mean([0])).square().mean([0]) + 1e-5f).sqrt() : z;
            using (no_grad())
                slopes.Add(Slope(activation, normal));
            x = Activate(activation, normal);
            validation = Activate(activation, matmul(validation, own.detach().t()));
            dead.Add(validation.abs().amax([0]).eq(0).to(ScalarType.Float32).mean().item<float>());
        }
        nn.functional.cross_entropy(inputs[^1], digits.LabelTensor.index_select(0, rows)).backward();

        foreach (var (index, layer) in health.Layers.Index())
        {
            var z = inputs[index];
            Near(z.mean().item<float>(), layer.Mean, (float)Math.Sqrt(layer.Variance));
            Near((z - z.mean()).square().mean().item<float>(), layer.Variance);
            Near(z.grad!.square().mean().sqrt().item<float>(), layer.GradientRms);
            Near(weights[index].grad!.norm().item<float>(), layer.WeightGradientNorm);
            Assert.True(float.IsNaN(layer.UpdateRatio));
            if (index < slopes.Count)
            {
                Assert.Equal(slopes[index].abs().lt(0.01).to(ScalarType.Float32).mean().item<float>(), layer.FlatSlopes, 0.002);
                Assert.Equal(activation == "relu" ? dead[index] : float.NaN, layer.DeadUnits, 1e-6f);
            }
            Assert.Equal(activation == "prelu" && index < slopes.Count ? 0.005f : float.NaN, layer.Alpha);
        }

        static void Near(float expected, float actual, float scale = float.NaN) =>
            Assert.InRange(actual, expected - 1e-4f * (float.IsNaN(scale) ? expected : scale), expected + 1e-4f * (float.IsNaN(scale) ? expected : scale));
    }

    [Fact]
    public void TrainEpoch_UpdateRatio_IsTheLastUpdatesSize()
    {
        // One mini-batch an epoch and no momentum: the update is the rate times the gradient of the epoch's only step.
        var configuration = Trials.Configuration((Parameters.BatchSize, 1_200), (Parameters.Momentum, 0.0), (Parameters.Initializer, "xavier-normal"));
        using var run = new FusedTrainer(TimeProvider.System).Start(new([configuration.Trial()]));
        var before = Assert.Single(run.ReportStart()).Health!;
        var after = Assert.Single(run.TrainEpoch()).Health!;
        var norms = StartNorms(configuration);
        Assert.All(after.Layers.Index(), layer => Assert.Equal(
            0.05 * before.Layers[layer.Index].WeightGradientNorm / norms[layer.Index], layer.Item.UpdateRatio, 1e-6));
    }

    [Fact]
    public void Look_ManyTimes_LeavesTrainingAsItIs()
    {
        var trials = Trials.Mixed([32], 32).Where((_, place) => place % 5 == 0).ToImmutableArray();
        using var watched = new FusedTrainer(TimeProvider.System).Start(trials.Cohort());
        using var plain = new FusedTrainer(TimeProvider.System).Start(trials.Cohort());
        watched.ReportStart();
        watched.ReportStart();
        Assert.Equal(plain.TrainEpoch().Bits(), watched.TrainEpoch().Bits());
    }

    private static double[] StartNorms(Configuration configuration)
    {
        var replicate = Replicate.Prepare(configuration, [1], DatasetSources.Default).ByNumber[1];
        using var inference = inference_mode();
        using var stage = new Stage(Dataset.Of("digits"), [configuration], [replicate]);
        StartWeights.Fill(stage, [configuration.Trial()], _ => throw new InvalidOperationException());
        return [.. stage.Network.Weights.Select(weight => (double)weight.Value.norm().item<float>())];
    }

    private static ITrainingRun Deep(string activation, string initializer, int replicate) =>
        new FusedTrainer(TimeProvider.System).Start(new([Trials.Configuration(
            (Parameters.Hidden, Enumerable.Repeat(100, 20).ToArray()), (Parameters.Activation, activation),
            (Parameters.Initializer, initializer), (Parameters.InitializerStd, 1.0), (Parameters.LearningRate, 0.001)).Trial(replicate)]));

    private static Tensor Activate(string activation, Tensor z) => activation switch
    {
        "tanh" => z.tanh(),
        "relu" => z.relu(),
        _ => where(z.gt(0), z, z * 0.005f),
    };

    private static Tensor Slope(string activation, Tensor z) => activation switch
    {
        "tanh" => 1 - z.tanh().square(),
        "relu" => z.gt(0).to(ScalarType.Float32),
        _ => where(z.gt(0), ones_like(z), full_like(z, 0.005)),
    };
}
