using System.Collections.Immutable;
using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Sweeps;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo;

/// <summary>One lane of the device: takes cohorts, one after the other, and trains them on its own thread.</summary>
internal sealed class Slot(
    CohortSource source, ITrainer trainer, ResultWriter writer, LeaseRenewer renewer, StopRequests stops, IGrainFactory grains,
    ClusterMetrics metrics, SlotSettings settings, DataFolder folder, OutageLog silence, TimeProvider time, ILogger<Slot> log)
{
    private static readonly TimeSpan IdlePause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan ErrorPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    /// <summary>A store that is away must not keep a process from ending.</summary>
    private static readonly TimeSpan LastWritePatience = TimeSpan.FromSeconds(20);

    private int _runs;

    /// <summary>Trials in a row that could not begin for what is around them: a folder that is away, a network.</summary>
    private int _failedStarts;

    /// <summary>Works until it is told to stop; then gives back what it has not finished.</summary>
    /// <param name="stopping">No cohort is begun any more, and one in training is saved at the end of its epoch.</param>
    /// <param name="breaking">Even the epoch's end is not waited for.</param>
    public void Run(CancellationToken stopping, CancellationToken breaking)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                if (Next(stopping) is not { } cohort)
                    continue;
                Work(cohort, stopping, breaking);
                // What is lacking here may be there elsewhere: this slot must not use up the attempts of trials that others can train.
                if (_failedStarts > 0)
                    Pause(TimeSpan.FromSeconds(Math.Min(LongestPause.TotalSeconds, Math.Pow(2, _failedStarts - 1) * ErrorPause.TotalSeconds)), stopping);
            }
            catch (Exception exception)
            {
                log.LogError(exception, "A slot could not get or give back a cohort; it tries again.");
                Pause(ErrorPause, stopping);
            }
        }
    }

    /// <summary>Null, after a pause: there is nothing to train now, or nobody to ask.</summary>
    private LeasedCohort? Next(CancellationToken stopping)
    {
        try
        {
            var next = Wait(source.NextAsync());
            silence.Succeeded();
            if (next is null)
                Pause(IdlePause, stopping);
            return next;
        }
        catch (Exception exception) when (exception is OrleansException or TimeoutException or StoreException)
        {
            silence.Failed(exception);
            Pause(ErrorPause, stopping);
            return null;
        }
    }

    private void Work(LeasedCohort cohort, CancellationToken stopping, CancellationToken breaking)
    {
        using var span = SweepTraces.Begin("cohort", cohort.Lease.SweepId)
            ?.SetTag("deeptrain.lease", $"{cohort.Lease.Id}").SetTag("deeptrain.trials", cohort.Trials.Length);
        using var scope = log.BeginScope("cohort {Lease} of {Sweep}", cohort.Lease.Id, cohort.Lease.SweepId);
        metrics.BusyChanged(+1);
        metrics.CohortTaken(cohort.Trials.Length);
        log.LogInformation("Slot {Slot} trains {Count} trials of {Sweep} under lease {Lease}; {Resumed} of them go on from a checkpoint.",
            cohort.Lease.Slot.Number, cohort.Trials.Length, cohort.Lease.SweepId, cohort.Lease.Id, cohort.Trials.Count(trial => trial.Checkpoint is not null));
        var unfinished = cohort.Trials;
        using var lease = cohort.Lease;
        using var vain = CancellationTokenSource.CreateLinkedTokenSource(lease.Gone, breaking);
        try
        {
            // Those that go on from one file go on together.
            unfinished = [.. cohort.Trials.GroupBy(trial => trial.Checkpoint).SelectMany(part => Train(cohort, [.. part], stopping, vain.Token))];
        }
        finally
        {
            metrics.BusyChanged(-1);
            renewer.Drop(lease);
        }
        if (unfinished.IsEmpty)
            return;
        foreach (var trial in unfinished)
            Grain(trial.Trial).Settle(trial.Fence).Ignore();
        log.LogInformation("{Count} trials of {Sweep} are given back.", unfinished.Length, lease.SweepId);
        Wait(grains.Sweep(lease.SweepId).Release(lease.Id, [.. unfinished.Select(trial => trial.Trial)]));
    }

    /// <summary>Trains a cohort; one that fails together is trained one by one, so that only those fail that fail alone.</summary>
    /// <param name="vain">Cancelled when it is of no use to go on even to the end of an epoch.</param>
    /// <returns>The trials that were not trained to an end.</returns>
    private ImmutableArray<LeasedTrial> Train(
        LeasedCohort cohort, ImmutableArray<LeasedTrial> trials, CancellationToken stopping, CancellationToken vain)
    {
        var lease = cohort.Lease;
        var aboard = trials.ToDictionary(trial => trial.Trial);
        // What fails before it is under way has trained nothing, and takes nothing from the curve that it goes on from.
        var epoch = trials[0].CheckpointEpoch;
        var begun = false;
        if (lease.IsPauseWanted || !lease.WaitUntilGood(stopping))
            return trials;
        try
        {
            using var run = Spanned("start", () => Start(cohort, trials));
            begun = true;
            _failedStarts = 0;
            var checkpoints = new RunCheckpoints(
                folder.Checkpoints, $"{lease.Id:N}-{++_runs}", lease, settings.CheckpointInterval, metrics, time, log);
            epoch = run.Epoch;
            IReadOnlyList<EpochReport> last = epoch == 0 ? run.ReportStart() : [];
            foreach (var report in last)
                Pass(lease, report, aboard[report.Trial]);
            while (aboard.Count > 0 && !lease.IsPauseWanted && lease.WaitUntilGood(stopping))
            {
                var refused = aboard.Keys.Where(lease.IsRefused).ToList();
                if (refused.Count > 0)
                    Leave(run, aboard, refused);
                if (aboard.Count == 0)
                    break;

                var reports = Spanned("epoch", () => run.TrainEpoch(vain), run.Epoch + 1).Select(report => StopIfWanted(report, aboard[report.Trial])).ToList();
                epoch = run.Epoch;
                var stopped = reports.Where(report => report.Ending?.Outcome is Outcome.Stopped).Select(report => report.Trial).ToList();
                if (stopped.Count > 0)
                    run.Leave(stopped);
                last = [.. reports.Where(report => report.Ending is null)];
                var saved = last.Count > 0 && checkpoints.IsDue ? checkpoints.Save(run) : null;
                // Should the cohort fail later, its parts go on from here too.
                if (saved is not null)
                    foreach (var report in last)
                        aboard[report.Trial] = aboard[report.Trial] with { Checkpoint = saved, CheckpointEpoch = epoch };
                foreach (var (place, report) in reports.Index())
                    Pass(lease, report, aboard[report.Trial], saved,
                        place + 1 == reports.Count && (saved is not null || last.Count == 0) ? () => checkpoints.Follow(saved) : null);
                foreach (var report in reports.Where(report => report.Ending is not null))
                    aboard.Remove(report.Trial);
            }
            if (!lease.Gone.IsCancellationRequested)
                SaveForOthers(lease, run, checkpoints, [.. last.Where(report => aboard.ContainsKey(report.Trial))], aboard);
        }
        catch (OperationCanceledException) when (vain.IsCancellationRequested)
        {
            // Whoever trains these trials next goes on from the checkpoint before.
        }
        catch (Exception exception) when (stopping.IsCancellationRequested)
        {
            log.LogError(exception, "A run failed while its slot stopped; {Count} trials are given back.", aboard.Count);
        }
        catch (Exception exception) when (aboard.Count > 1)
        {
            return TrainInParts(cohort, [.. aboard.Values], exception, stopping, vain);
        }
        catch (Exception exception)
        {
            var failure = TrialFailure.Of(exception);
            if (!begun && failure.Class == FailureClass.Infrastructure)
                _failedStarts++;
            foreach (var trial in aboard.Values)
            {
                log.LogError(exception, "Trial {Trial} failed.", trial.Trial);
                Pass(lease, new(trial.Trial, epoch, double.NaN, double.NaN, double.NaN, 0, 0, new(Outcome.Failed, Failure: failure)), trial);
            }
            return [];
        }
        return [.. aboard.Values];
    }

    private static T Spanned<T>(string name, Func<T> work, int? epoch = null)
    {
        using var span = SweepTraces.Begin(name)?.SetTag("deeptrain.epoch", epoch);
        return work();
    }

    /// <summary>What failed together is tried in smaller parts: halves where memory was short, else one by one.</summary>
    private ImmutableArray<LeasedTrial> TrainInParts(
        LeasedCohort cohort, ImmutableArray<LeasedTrial> trials, Exception exception, CancellationToken stopping, CancellationToken vain)
    {
        var size = 1;
        if (TrialFailure.Of(exception).Class == FailureClass.OutOfMemory)
        {
            size = (trials.Length + 1) / 2;
            source.Limit(Configuration.Parse(trials[0].Configuration), size);
        }
        log.LogWarning(exception, "A cohort of {Count} trials failed; it is trained again in parts of {Size}.", trials.Length, size);
        return [.. trials.Chunk(size).SelectMany(part => Train(cohort, [.. part], stopping, vain))];
    }

    /// <summary>Goes on from the trials' checkpoint, or starts them anew where it is of no use.</summary>
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
        // One that only cannot be read now may be readable later, or elsewhere: that is a failure to try again, and no reason to train anew.
        catch (Exception error) when (cohort.Checkpoint is not null && error is InvalidDataException or EndOfStreamException or FileNotFoundException)
        {
            log.LogWarning(error, "{Count} trials start anew: their checkpoint is of no use.", trials.Length);
            return trainer.Start(cohort with { Checkpoint = null });
        }
    }

    private void LogLostModel(TrialId trial, Exception error)
    {
        // Whoever deletes a sweep deletes its folder too, perhaps from under a model that is being written.
        if (error is FileNotFoundException or DirectoryNotFoundException)
            log.LogInformation("The model of {Trial} is not kept: the folder of its sweep was deleted meanwhile, as that of a deleted sweep is.", trial);
        else
            log.LogError(error, "The model of {Trial} could not be kept: is the disk full? 'export' trains it again.", trial);
    }

    /// <summary>Saves a run that ends here, and returns when the store knows what to go on from.</summary>
    private void SaveForOthers(
        HeldLease lease, ITrainingRun run, RunCheckpoints checkpoints, List<EpochReport> last, Dictionary<TrialId, LeasedTrial> aboard)
    {
        if (run.Epoch == 0 || last.Count == 0 || checkpoints.Save(run) is not { } saved)
            return;
        var durable = new TaskCompletionSource();
        foreach (var (place, report) in last.Index())
            Pass(lease, report, aboard[report.Trial], saved, place + 1 == last.Count ? () =>
            {
                checkpoints.Follow(saved);
                durable.SetResult();
            } : null);
        if (!durable.Task.Wait(LastWritePatience))
            log.LogWarning("The store does not answer: the last checkpoint of {Count} trials may be lost.", last.Count);
    }

    private EpochReport StopIfWanted(EpochReport report, LeasedTrial trial) =>
        report.Ending is null && stops.IsSet(trial.Trial, trial.Fence) ? report with { Ending = new(Outcome.Stopped) } : report;

    /// <param name="checkpoint">What the trial can go on from after this epoch, unless it ended with it.</param>
    private void Pass(HeldLease lease, EpochReport report, LeasedTrial trial, string? checkpoint = null, Action? concluded = null)
    {
        var fenced = new FencedReport(report, trial.Fence) { Checkpoint = report.Ending is null ? checkpoint : null };
        Grain(trial.Trial).Observe(fenced).Ignore();
        writer.Enqueue(lease, fenced, concluded);
    }

    /// <summary>Takes trials off whose writes are refused: nobody waits for them here any more.</summary>
    private void Leave(ITrainingRun run, Dictionary<TrialId, LeasedTrial> aboard, List<TrialId> leaving)
    {
        run.Leave(leaving);
        foreach (var trial in leaving)
            if (aboard.Remove(trial, out var leased))
                Grain(trial).Settle(leased.Fence).Ignore();
    }

    private ITrialGrain Grain(TrialId trial) => grains.Trial(trial);

    private void Pause(TimeSpan pause, CancellationToken stopping) =>
        Task.Delay(pause, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();

    // A slot's thread is its own: it may block on what the pool does for it.
    private static void Wait(Task task) => task.GetAwaiter().GetResult();

    private static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();
}
