using System.Collections.Immutable;
using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Sweeps;
using DeepTrain.Cluster.Training;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo;

/// <summary>One lane of the device: takes cohorts, one after the other, and trains them on its own thread.</summary>
internal sealed class Slot(
    CohortSource source, ITrainer trainer, ResultWriter writer, LeaseRenewer renewer, StopRequests stops, IGrainFactory grains,
    ClusterMetrics metrics, TimeProvider time, ILogger<Slot> log)
{
    private static readonly TimeSpan IdlePause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan ErrorPause = TimeSpan.FromSeconds(1);

    /// <summary>Works until it is told to stop; then gives back what it has not finished.</summary>
    public void Run(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                if (Wait(source.NextAsync()) is { } cohort)
                    Work(cohort, stopping);
                else
                    Pause(IdlePause, stopping);
            }
            catch (Exception exception)
            {
                log.LogError(exception, "A slot could not get or give back a cohort; it tries again.");
                Pause(ErrorPause, stopping);
            }
        }
    }

    private void Work(LeasedCohort cohort, CancellationToken stopping)
    {
        metrics.BusyChanged(+1);
        var unfinished = cohort.Trials;
        try
        {
            unfinished = Train(cohort.Lease, cohort.Trials, stopping);
        }
        finally
        {
            metrics.BusyChanged(-1);
            renewer.Drop(cohort.Lease);
        }
        if (unfinished.IsEmpty)
            return;
        foreach (var trial in unfinished)
            Grain(trial.Trial).Settle(trial.Fence).Ignore();
        Wait(grains.GetGrain<ISweepGrain>(cohort.Lease.SweepId)
            .Release(cohort.Lease.Id, [.. unfinished.Select(trial => trial.Trial)]));
    }

    /// <summary>Trains a cohort; one that fails together is trained one by one, so that only those fail that fail alone.</summary>
    /// <returns>The trials that were not trained to an end.</returns>
    private ImmutableArray<LeasedTrial> Train(HeldLease lease, ImmutableArray<LeasedTrial> trials, CancellationToken stopping)
    {
        var aboard = trials.ToDictionary(trial => trial.Trial);
        var epoch = 0;
        try
        {
            using var run = trainer.Start(new(
                [.. trials.Select(trial => new CohortTrial(trial.Trial, Configuration.Parse(trial.Configuration)))]));
            while (aboard.Count > 0 && lease.WaitUntilGood(stopping))
            {
                var refused = aboard.Keys.Where(lease.IsRefused).ToList();
                if (refused.Count > 0)
                    Leave(run, aboard, refused);
                if (aboard.Count == 0)
                    break;

                var reports = run.TrainEpoch().Select(report => StopIfWanted(report, aboard[report.Trial])).ToList();
                epoch++;
                var stopped = reports.Where(report => report.Ending?.Outcome is Outcome.Stopped).Select(report => report.Trial).ToList();
                foreach (var report in reports)
                    Pass(lease, report, aboard[report.Trial]);
                foreach (var report in reports.Where(report => report.Ending is not null))
                    aboard.Remove(report.Trial);
                if (stopped.Count > 0)
                    run.Leave(stopped);
            }
        }
        catch (Exception exception) when (aboard.Count > 1)
        {
            log.LogWarning(exception, "A cohort of {Count} trials failed; each is trained alone.", aboard.Count);
            return [.. aboard.Values.SelectMany(trial => Train(lease, [trial], stopping))];
        }
        catch (Exception exception)
        {
            foreach (var trial in aboard.Values)
            {
                log.LogError(exception, "Trial {Trial} failed.", trial.Trial);
                var failure = exception is TrainingException known
                    ? new Failure(known.FailureClass, known.Message)
                    : new("code-error", $"{exception.GetType().Name}: {exception.Message}");
                Pass(lease, new(trial.Trial, epoch, double.NaN, double.NaN, double.NaN, 0, 0, new(Outcome.Failed, Failure: failure)),
                    trial);
            }
            return [];
        }
        return [.. aboard.Values];
    }

    private EpochReport StopIfWanted(EpochReport report, LeasedTrial trial) =>
        report.Ending is null && stops.IsSet(trial.Trial, trial.Fence) ? report with { Ending = new(Outcome.Stopped) } : report;

    private void Pass(HeldLease lease, EpochReport report, LeasedTrial trial)
    {
        var fenced = new FencedReport(report, trial.Fence);
        Grain(trial.Trial).Observe(fenced).Ignore();
        writer.Enqueue(lease, fenced);
    }

    /// <summary>Takes trials off whose writes are refused: nobody waits for them here any more.</summary>
    private void Leave(ITrainingRun run, Dictionary<TrialId, LeasedTrial> aboard, List<TrialId> leaving)
    {
        run.Leave(leaving);
        foreach (var trial in leaving)
            if (aboard.Remove(trial, out var leased))
                Grain(trial).Settle(leased.Fence).Ignore();
    }

    private ITrialGrain Grain(TrialId trial) => grains.GetGrain<ITrialGrain>(trial.ToString());

    private void Pause(TimeSpan pause, CancellationToken stopping) =>
        Wait(Task.Delay(pause, time, stopping).ContinueWith(_ => { }, TaskScheduler.Default));

    // A slot's thread is its own: it may block on what the pool does for it.
    private static void Wait(Task task) => task.GetAwaiter().GetResult();

    private static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();
}
