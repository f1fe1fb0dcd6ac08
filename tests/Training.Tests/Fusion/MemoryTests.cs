using System.Diagnostics;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Training.Fusion;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Tests;

/// <summary>The collector sees none of the native memory: what is kept too long shows only here.</summary>
/// <remarks>
/// Each measurement runs in a process of its own, where no other test has left memory to be used again or counted: the tests that only
/// run when they are asked for measure, and the others ask for them.
/// </remarks>
public sealed class MemoryTests(ITestOutputHelper output)
{
    private const long Mebibyte = 1 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    [Theory]
    [InlineData(nameof(TrainEpoch_512TrialsInOneCohort_StayUnderAGibibyte))]
    [InlineData(nameof(TrainEpoch_ThousandCohortsInARow_LeavesMemoryFlat))]
    public async Task Memory_InAProcessOfItsOwn_IsWithinBounds(string measurement)
    {
        using var process = Process.Start(new ProcessStartInfo(
            "dotnet",
            [typeof(MemoryTests).Assembly.Location, "-explicit", "only", "-method", $"{typeof(MemoryTests).FullName}.{measurement}", "-showLiveOutput", "-noColor"])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(Patience);
        try
        {
            var errors = process.StandardError.ReadToEndAsync(deadline.Token);
            var said = await process.StandardOutput.ReadToEndAsync(deadline.Token) + await errors;
            await process.WaitForExitAsync(deadline.Token);
            output.WriteLine(said);
            Assert.True(process.ExitCode == 0, $"{measurement} has failed in its process: {said}");
            Assert.Contains("MiB", said, StringComparison.Ordinal);
        }
        finally
        {
            process.Kill();
        }
    }

    private static long Resident
    {
        get
        {
            using var self = Process.GetCurrentProcess();
            return self.WorkingSet64;
        }
    }

    [Fact(Explicit = true)]
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

    [Fact(Explicit = true)]
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
