using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Fusion;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Randomness;
using DeepTrain.Cluster.Training.Stacking;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Tests;

/// <summary>The same networks and cohorts on a GPU, where there is one.</summary>
public sealed class GpuTests
{
    private readonly ITestOutputHelper _output;
    private readonly ComputeDevice _gpu;

    public GpuTests(ITestOutputHelper output)
    {
        _output = output;
        var devices = TorchRuntime.Devices(null).Devices;
        Assert.SkipUnless(devices[0].Kind is DeviceKind.Cuda, "There is no GPU that libtorch can use.");
        _gpu = devices[0];
        TorchRuntime.AllowTf32(false);
    }

    public static TheoryData<ScalarType> Types => [ScalarType.Float64, ScalarType.Float32];

    [Theory]
    [MemberData(nameof(Types))]
    public void Network_OnGpu_AgreesWithPyTorch(ScalarType type)
    {
        var on = new Placement(type, _gpu.Torch);
        Assert.Multiple(
        [
            .. Golden.Values.Cases.Select(golden => (Action)(() => GoldenNetworkTests.CheckTraining(golden.Name, on, _output))),
            .. Golden.Values.Functions.Select(golden => (Action)(() => GoldenNetworkTests.CheckFunction(golden.Name, on))),
        ]);
    }

    [Fact]
    public void Cohort_OnGpu_AgreesWithEachTrialAloneAndOnTheProcessor()
    {
        var trials = Trials.Mixed([64, 32], 32);
        var together = Train(trials, _gpu);
        var alone = trials.Where((_, place) => place % 5 == 0).SelectMany(trial => Train([trial], _gpu)).ToList();
        var processor = Train(trials, ComputeDevice.Processor);

        Assert.All(alone, loss => AssertClose(loss, together));
        Assert.All(processor, loss => AssertClose(loss, together));
    }

    [Fact]
    public void Draws_OnGpu_AreThoseOfTheProcessor()
    {
        using var scope = NewDisposeScope();
        var (here, there) = (new StepDraws([new(3)], Placement.OnCpu()), new StepDraws([new(3)], new(ScalarType.Float32, _gpu.Torch)));
        var (now, ahead) = (here.Of(Purpose.Dropout, 1, new(0, 1), 96, 64), there.Of(Purpose.Dropout, 1, new(0, 1), 96, 64));
        for (var step = 0; step < 5; step++)
        {
            here.Fill(step);
            there.Fill(step);
            Assert.True(now.eq(ahead.cpu()).all().item<bool>(), $"step {step}");
        }
    }

    /// <returns>Each trial's mean loss over its first epoch, 39 steps.</returns>
    private static Dictionary<TrialId, (string Optimizer, double Loss)> Train(IEnumerable<CohortTrial> trials, ComputeDevice device)
    {
        var cohort = trials.Cohort();
        using var run = new FusedTrainer(TimeProvider.System, device: device).Start(cohort);
        return run.TrainEpoch().ToDictionary(
            report => report.Trial,
            report => (cohort.Trials.Single(trial => trial.Id == report.Trial).Configuration[Parameters.Optimizer], report.TrainLoss));
    }

    /// <summary>Rules that divide by a gradient's size make more of its last bits.</summary>
    private void AssertClose(KeyValuePair<TrialId, (string Optimizer, double Loss)> one, Dictionary<TrialId, (string Optimizer, double Loss)> others)
    {
        var difference = Math.Abs(one.Value.Loss - others[one.Key].Loss) / one.Value.Loss;
        _output.WriteLine($"{one.Key} {one.Value.Optimizer}: {difference:g3}");
        Assert.True(difference < (one.Value.Optimizer == "sgd" ? 1e-5 : 1e-3), $"{one.Key}, {one.Value.Optimizer}: {difference:g3}");
    }
}
