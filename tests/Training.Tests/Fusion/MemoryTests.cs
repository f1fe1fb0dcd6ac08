using System.Diagnostics;
using DeepTrain.Cluster.Sweeps;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Tests;

/// <summary>The collector sees none of the native memory: what is kept too long shows only here.</summary>
public sealed class MemoryTests(ITestOutputHelper output)
{
    private const long Mebibyte = 1 << 20;

    private static long Resident
    {
        get
        {
            using var self = Process.GetCurrentProcess();
            return self.WorkingSet64;
        }
    }

    [Fact]
    public void TrainEpoch_512TrialsInOneCohort_StayUnderAGibibyte()
    {
        var trials = Enumerable.Range(0, 512).Select(place => Trials.Configuration(
            (Parameters.Hidden, new[] { 64, 32 }), (Parameters.Activation, "elu"), (Parameters.LearningRate, 0.001 + place * 1e-5)).Trial());
        using var run = new FusedTrainer(TimeProvider.System).Start(trials.Cohort());
        run.ReportStart();
        run.TrainEpoch();
        var resident = Resident;
        output.WriteLine($"{resident / Mebibyte} MiB resident");
        Assert.True(resident < 1_024 * Mebibyte, $"{resident / Mebibyte} MiB are resident.");
    }

    [Fact]
    public void TrainEpoch_ThousandCohortsInARow_LeavesMemoryFlat()
    {
        // Small ones, with one of everything that holds tensors: the quirk that leaks shows in its number.
        CohortTrial[] trials =
        [
            .. Enumerable.Range(0, 4).Select(place => Trials.Configuration(
                (Parameters.Hidden, new[] { 8 }), (Parameters.BatchSize, 400), (Parameters.Epochs, 1),
                (Parameters.Activation, new[] { "elu", "prelu", "rrelu", "gelu" }[place]), (Parameters.BatchNorm, place % 2 == 0),
                (Parameters.Dropout, place % 2 * 0.2), (Parameters.Optimizer, place < 2 ? "sgd" : "adam"),
                (Parameters.GradientClip, 1.0), (Parameters.LabelSmoothing, 0.1)).Trial()),
        ];
        for (var warm = 0; warm < 200; warm++)
            Train();
        var (tensors, resident) = (Tensor.TotalCount, Resident);
        for (var cohort = 0; cohort < 1_000; cohort++)
            Train();
        output.WriteLine($"{(Resident - resident) / (double)Mebibyte:F1} MiB more after a thousand cohorts");
        Assert.Equal(tensors, Tensor.TotalCount);
        Assert.True(Resident - resident < 64 * Mebibyte, $"{(Resident - resident) / Mebibyte} MiB more are resident.");

        void Train()
        {
            using var run = new FusedTrainer(TimeProvider.System).Start(trials.Cohort());
            run.TrainEpoch();
        }
    }
}
