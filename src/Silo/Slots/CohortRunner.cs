using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Monitoring;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo.Slots;

/// <summary>Trains the cohorts of one slot, each from its start or checkpoint until it ends, is stopped or lost, or must yield.</summary>
internal sealed class CohortRunner(
    ITrainer trainer, KnownCohortSizes sizes, ReportSink sink, CheckpointWriter checkpoints, DataFolder folder, ILogger<CohortRunner> log)
{
    /// <summary>An unavailable store must not keep a process from ending.</summary>
    private static readonly TimeSpan LastWritePatience = TimeSpan.FromSeconds(20);

    private int _runs;

    /// <summary>How many trials in a row could not begin because, for example, a folder or the network is unavailable.</summary>
    public int FailedStarts { get; private set; }

    /// <returns>The trials that were not trained to an end.</returns>
    public ImmutableArray<LeasedTrial> Train(LeasedCohort cohort, SlotStop stop)
    {
        var unfinished = cohort.Trials;
        // Once the lease is lost or training is aborted, there is no point in finishing even the epoch.
        using var vain = CancellationTokenSource.CreateLinkedTokenSource(cohort.Lease.Gone, stop.Breaking);
        sink.Begin(cohort.Trials);
        try
        {
            // Trials that resume from the same file are trained together.
            unfinished = [.. cohort.Trials.GroupBy(trial => trial.Checkpoint).SelectMany(part => Train(cohort, [.. part], stop, vain.Token))];
        }
        finally
        {
            sink.GiveUp(unfinished);
        }
        return unfinished;
    }

    /// <summary>Trains trials together; if that fails, one by one, so that only trials that fail alone are failed.</summary>
    /// <returns>The trials that were not trained to an end.</returns>
    private ImmutableArray<LeasedTrial> Train(
        LeasedCohort cohort, ImmutableArray<LeasedTrial> trials, SlotStop stop, CancellationToken vain)
    {
        var lease = cohort.Lease;
        if (lease.IsPauseWanted || !lease.WaitUntilGood(stop.Stopping))
            return trials;
        var inTraining = trials.ToDictionary(trial => trial.Trial);
        // A run that fails before it starts has trained nothing, and must keep the stored epochs that it resumes from.
        var epoch = trials[0].CheckpointEpoch;
        var begun = false;
        try
        {
            using var run = Spanned("start", () => Start(cohort, trials));
            begun = true;
            FailedStarts = 0;
            var files = checkpoints.Begin(lease, $"{lease.Id:N}-{++_runs}");
            epoch = run.Epoch;
            using var brokenOff = CancellationTokenSource.CreateLinkedTokenSource(vain, run.SavesWithinEpochs ? stop.BreakingSavable : vain);
            IReadOnlyList<EpochReport> last = epoch == 0 ? run.ReportStart() : [];
            foreach (var report in last)
                sink.Pass(lease, report, inTraining[report.Trial]);
            var isYielded = false;
            while (inTraining.Count > 0 && !isYielded && lease.WaitUntilGood(stop.Stopping))
            {
                Leave(run, inTraining, [.. inTraining.Values.Where(trial => lease.IsRefused(trial.Trial))]);
                if (inTraining.Count == 0)
                    break;

                if (TrainEpoch(run, brokenOff.Token, vain) is not { } trained)
                    break;
                var reports = trained.Select(report => StopIfWanted(report, inTraining[report.Trial])).ToList();
                epoch = run.Epoch;
                var stopped = reports.Where(report => report.Ending?.Outcome is Outcome.Stopped).Select(report => report.Trial).ToList();
                if (stopped.Count > 0)
                    run.Leave(stopped);
                last = [.. reports.Where(report => report.Ending is null)];
                PassOn(lease, run, files, reports, last.Count, inTraining);
                foreach (var report in reports.Where(report => report.Ending is not null))
                    inTraining.Remove(report.Trial);
                // Yielding within an epoch, or without a saved run, would repeat that epoch, forever if other sweeps always wait.
                isYielded = inTraining.Count > 0 && lease.IsPauseWanted && files.IsWorthTrying && SaveForOthers(lease, run, files, last, inTraining);
            }
            if (!isYielded && !lease.Gone.IsCancellationRequested)
                SaveForOthers(lease, run, files, last, inTraining);
        }
        catch (OperationCanceledException) when (vain.IsCancellationRequested)
        {
            // These trials resume from the previous checkpoint.
        }
        catch (Exception exception) when (stop.Stopping.IsCancellationRequested)
        {
            log.LogError(exception, "A run failed while its slot stopped; {Count} trials are given back.", inTraining.Count);
        }
        catch (Exception exception) when (inTraining.Count > 1)
        {
            return TrainInParts(cohort, [.. inTraining.Values], exception, stop, vain);
        }
        catch (Exception exception)
        {
            var failure = TrialFailure.Of(exception);
            if (!begun && failure.Class == FailureClass.Infrastructure)
                FailedStarts++;
            foreach (var trial in inTraining.Values)
            {
                log.LogError(exception, "Trial {Trial} failed.", trial.Trial);
                sink.Pass(lease, new(trial.Trial, epoch, double.NaN, double.NaN, double.NaN, 0, 0, new(Outcome.Failed, Failure: failure)), trial);
            }
            return [];
        }
        return [.. inTraining.Values];
    }

    /// <returns>Null if the slot stops; the run is then saved as of the end of the previous epoch.</returns>
    private IReadOnlyList<EpochReport>? TrainEpoch(ITrainingRun run, CancellationToken brokenOff, CancellationToken vain)
    {
        try
        {
            return Spanned("epoch", () => run.TrainEpoch(brokenOff), run.Epoch + 1);
        }
        catch (OperationCanceledException) when (!vain.IsCancellationRequested && brokenOff.IsCancellationRequested)
        {
            log.LogInformation("Epoch {Epoch} of {Trials} is broken off, since it did not end soon after the silo was asked to.",
                run.Epoch + 1, string.Join(", ", run.InTraining));
            return null;
        }
    }

    private static T Spanned<T>(string name, Func<T> work, int? epoch = null)
    {
        using var span = SweepTraces.Begin(name)?.SetTag("deeptrain.epoch", epoch);
        return work();
    }

    /// <summary>Splits a failed cohort: into halves if memory ran out, otherwise into single trials.</summary>
    private ImmutableArray<LeasedTrial> TrainInParts(
        LeasedCohort cohort, ImmutableArray<LeasedTrial> trials, Exception exception, SlotStop stop, CancellationToken vain)
    {
        var size = 1;
        if (TrialFailure.Of(exception).Class == FailureClass.OutOfMemory)
        {
            size = (trials.Length + 1) / 2;
            sizes.Limit(Configuration.Parse(trials[0].Configuration), size);
        }
        log.LogWarning(exception, "A cohort of {Count} trials failed; it is trained again in parts of {Size}.", trials.Length, size);
        return [.. trials.Chunk(size).SelectMany(part => Train(cohort, [.. part], stop, vain))];
    }

    /// <summary>Resumes from the trials' checkpoint, or starts them from the beginning if it is unusable.</summary>
    private ITrainingRun Start(LeasedCohort leased, ImmutableArray<LeasedTrial> trials)
    {
        var cohort = new Cohort(
            [.. trials.Select(trial => new CohortTrial(trial.Trial, Configuration.Parse(trial.Configuration)))],
            trials[0].Checkpoint is { } name ? Path.Combine(folder.Checkpoints, name) : null,
            leased.KeepModels
                ? new(Path.Combine(folder.Models, leased.Lease.SweepId), LogLostModel)
                : null)
        {
            Objective = leased.Objective,
        };
        try
        {
            return trainer.Start(cohort);
        }
        // A checkpoint that is temporarily unreadable fails the attempt instead of restarting the training.
        catch (Exception error) when (cohort.Checkpoint is not null && error is InvalidDataException or EndOfStreamException or FileNotFoundException)
        {
            log.LogWarning(error, "{Count} trials start anew: their checkpoint is of no use.", trials.Length);
            return trainer.Start(cohort with { Checkpoint = null });
        }
    }

    private void LogLostModel(TrialId trial, Exception error)
    {
        // Deleting a sweep deletes its folder, perhaps while a model is being written into it.
        if (error is FileNotFoundException or DirectoryNotFoundException)
            log.LogInformation("The model of {Trial} is not kept: the folder of its sweep was deleted meanwhile, as that of a deleted sweep is.", trial);
        else
            log.LogError(error, "The model of {Trial} could not be kept: is the disk full? 'export' trains it again.", trial);
    }

    private EpochReport StopIfWanted(EpochReport report, LeasedTrial trial) =>
        report.Ending is null && sink.IsStopWanted(trial) ? report with { Ending = new(Outcome.Stopped) } : report;

    /// <summary>Passes an epoch's reports on, with a checkpoint if one is due.</summary>
    /// <param name="remaining">How many of the reports do not end their trial.</param>
    private void PassOn(
        HeldLease lease, ITrainingRun run, RunCheckpoints files, List<EpochReport> reports, int remaining, Dictionary<TrialId, LeasedTrial> inTraining)
    {
        var file = remaining > 0 && files.IsDue ? files.Save(run) : null;
        foreach (var (place, report) in reports.Index())
        {
            // If the cohort fails later, its parts resume from here too.
            if (file is not null && report.Ending is null)
                inTraining[report.Trial] = inTraining[report.Trial] with { Checkpoint = file, CheckpointEpoch = run.Epoch };
            sink.Pass(lease, report, inTraining[report.Trial], file,
                place + 1 == reports.Count && (file is not null || remaining == 0) ? () => files.Follow(file) : null);
        }
    }

    /// <summary>Saves a run that ends here, and returns when the store knows the checkpoint.</summary>
    /// <returns>False if it could not be saved.</returns>
    private bool SaveForOthers(
        HeldLease lease, ITrainingRun run, RunCheckpoints files, IEnumerable<EpochReport> last, Dictionary<TrialId, LeasedTrial> inTraining)
    {
        var remaining = last.Where(report => inTraining.ContainsKey(report.Trial)).ToList();
        if (run.Epoch == 0 || remaining.Count == 0)
            return true;
        if (files.Save(run) is not { } file)
            return false;
        var durable = new TaskCompletionSource();
        foreach (var (place, report) in remaining.Index())
            sink.Pass(lease, report, inTraining[report.Trial], file, place + 1 == remaining.Count ? () =>
            {
                files.Follow(file);
                durable.SetResult();
            } : null);
        if (!durable.Task.Wait(LastWritePatience))
            log.LogWarning("The store does not answer: the last checkpoint of {Count} trials may be lost.", remaining.Count);
        return true;
    }

    /// <summary>Removes trials whose writes are refused from the run.</summary>
    private void Leave(ITrainingRun run, Dictionary<TrialId, LeasedTrial> inTraining, List<LeasedTrial> refused)
    {
        if (refused.Count == 0)
            return;
        run.Leave([.. refused.Select(trial => trial.Trial)]);
        foreach (var trial in refused)
            inTraining.Remove(trial.Trial);
        sink.GiveUp(refused);
    }
}
