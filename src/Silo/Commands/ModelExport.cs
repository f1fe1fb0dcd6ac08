using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Silo.Slots;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Training.Checkpoints;
using DeepTrain.Cluster.Training.Files;
using DeepTrain.Cluster.Training.Native;

namespace DeepTrain.Cluster.Silo.Commands;

/// <summary>Exports a trial's model: the kept file, or a model that is trained again and checked against the stored results.</summary>
/// <param name="reader">Reads the folder's store.</param>
public sealed class ModelExport(DataFolder folder, ISweepReader reader, ITrainer trainer)
{
    /// <summary>
    /// Another machine or build may change the last bits of a result, and training amplifies the difference. A larger difference than this,
    /// relative to the stored value or to 1 if that is larger, means a different result.
    /// </summary>
    private const double Tolerance = 0.02;

    /// <param name="result">The result of a completed trial.</param>
    /// <param name="progress">Called with the number of each epoch that was trained again.</param>
    /// <exception cref="IOException">The output cannot be written.</exception>
    /// <exception cref="TrainerException">The trial has to be trained again, which this process cannot do.</exception>
    public async Task<ExportedModel> WriteAsync(
        TrialResult result, Configuration configuration, string output, Action<int> progress, CancellationToken cancellation)
    {
        var kept = Path.Combine(folder.Models, result.Trial.Sweep, Model.FileName(result.Trial));
        if (Model.IsOf(kept, result))
        {
            await CopyAsync(kept, output, cancellation);
            return new(IsRetrained: false, null);
        }
        var stored = await reader.ReadEpochsAsync(result.Trial, cancellation);
        var here = TrainingDevices.Find(DeviceKind.Cpu, tf32: false, _ => { }).Provenance;
        var sameBits = await reader.ReadProvenanceAsync(result.Trial, cancellation) == here;
        var folderOfOne = Directory.CreateTempSubdirectory("deeptrain-export-");
        try
        {
            // A run must stay on its thread, whose treatment of denormal numbers it changes.
            var difference = await Task.Factory.StartNew(
                () => Train(new(result.Trial, configuration), result, stored, folderOfOne.FullName, progress, cancellation),
                cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            if (difference is { } found)
                difference = found with { IsTolerable = !sameBits && found.Size <= Tolerance };
            if (difference is null or { IsTolerable: true })
                await CopyAsync(Path.Combine(folderOfOne.FullName, Model.FileName(result.Trial)), output, cancellation);
            return new(IsRetrained: true, difference);
        }
        finally
        {
            folderOfOne.Delete(recursive: true);
        }
    }

    /// <returns>The largest difference from the stored results; null if they are identical bit for bit.</returns>
    private Difference? Train(
        CohortTrial trial, TrialResult result, ImmutableArray<EpochResult> stored, string models, Action<int> progress,
        CancellationToken cancellation)
    {
        var epochs = stored.ToDictionary(epoch => epoch.Epoch);
        var largest = (Difference?)null;
        using var run = trainer.Start(new([trial], Models: new(models, (_, error) => throw error)));
        while (run.InTraining.Count > 0)
        {
            var report = run.TrainEpoch(cancellation).Single();
            progress(report.Epoch);
            // An epoch that is not stored is compared as if it had no values.
            var epoch = epochs.GetValueOrDefault(report.Epoch);
            Compare(report.Epoch, "train loss", epoch?.TrainLoss, report.TrainLoss);
            Compare(report.Epoch, "validation loss", epoch?.ValidationLoss, report.ValidationLoss);
            Compare(report.Epoch, "validation accuracy", epoch?.ValidationAccuracy, report.ValidationAccuracy);
            if (report.Ending is { } ending)
            {
                Compare(report.Epoch, "epochs", result.Epochs, report.Epoch);
                Compare(report.Epoch, "test loss", result.TestLoss, ending.TestLoss);
                Compare(report.Epoch, "test accuracy", result.TestAccuracy, ending.TestAccuracy);
            }
        }
        return largest;

        void Compare(int epoch, string what, double? before, double? now)
        {
            var trained = now is { } number && double.IsFinite(number) ? now : null;
            if (before == trained)
                return;
            var size = Math.Abs(before - trained ?? double.PositiveInfinity) / Math.Max(1, Math.Abs(before ?? 1));
            if (largest is null || size > largest.Size)
                largest = new(epoch, what, before, trained, size, IsTolerable: false);
        }
    }

    /// <remarks>The output may be a pipe that no process reads, and opening it cannot be cancelled.</remarks>
    private static Task CopyAsync(string from, string to, CancellationToken cancellation) => Task.Run(() => DurableFile.Write(to, target =>
    {
        using var source = File.OpenRead(from);
        source.CopyTo(target);
    }), cancellation).WaitAsync(cancellation);
}

/// <param name="IsRetrained">Whether the model was not kept and was trained again.</param>
/// <param name="Difference">The largest difference from the stored results; null if there is none.</param>
public sealed record ExportedModel(bool IsRetrained, Difference? Difference);

/// <summary>A value that differs after training again.</summary>
/// <param name="Stored">Null if it is not finite, like the trained value.</param>
/// <param name="IsTolerable">Whether another build or machine explains it; otherwise nothing was written.</param>
public sealed record Difference(int Epoch, string What, double? Stored, double? Trained, double Size, bool IsTolerable);
