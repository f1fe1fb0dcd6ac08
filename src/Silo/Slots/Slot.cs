using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Monitoring;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Monitoring;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo.Slots;

/// <summary>Takes one cohort after the other, has them trained on a thread of its own, and gives back what is left.</summary>
internal sealed class Slot(
    CohortSource source, CohortRunner runner, ClusterMetrics metrics, OutageLog silence, TimeProvider time, ILogger<Slot> log)
{
    private static readonly TimeSpan IdlePause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan ErrorPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    /// <summary>Works until it is stopped, then gives back what it has not finished.</summary>
    public void Run(SlotStop stop)
    {
        var stopping = stop.Stopping;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                if (Next(stopping) is not { } cohort)
                    continue;
                Work(cohort, stop);
                // What is missing here may be available elsewhere: this slot must not use up the attempts of trials that others can train.
                if (runner.FailedStarts is > 0 and var failed)
                    Pause(TimeSpan.FromSeconds(Math.Min(LongestPause.TotalSeconds, Math.Pow(2, failed - 1) * ErrorPause.TotalSeconds)), stopping);
            }
            catch (Exception exception)
            {
                log.LogError(exception, "A slot could not get or give back a cohort; it tries again.");
                Pause(ErrorPause, stopping);
            }
        }
    }

    /// <summary>Null, after a pause, if there is nothing to train now or the coordinators are unavailable.</summary>
    private LeasedCohort? Next(CancellationToken stopping)
    {
        try
        {
            var next = source.NextAsync(stopping).GetAwaiter().GetResult();
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

    private void Work(LeasedCohort cohort, SlotStop stop)
    {
        using var lease = cohort.Lease;
        using var span = SweepTraces.Begin("cohort", lease.SweepId)
            ?.SetTag("deeptrain.lease", $"{lease.Id}").SetTag("deeptrain.trials", cohort.Trials.Length);
        using var scope = log.BeginScope("cohort {Lease} of {Sweep}", lease.Id, lease.SweepId);
        metrics.BusyChanged(+1);
        metrics.CohortTaken(cohort.Trials.Length);
        log.LogInformation("Slot {Slot} trains {Count} trials of {Sweep} under lease {Lease}; {Resumed} of them go on from a checkpoint.",
            lease.Slot.Number, cohort.Trials.Length, lease.SweepId, lease.Id, cohort.Trials.Count(trial => trial.Checkpoint is not null));
        ImmutableArray<LeasedTrial> unfinished;
        try
        {
            unfinished = runner.Train(cohort, stop);
        }
        finally
        {
            metrics.BusyChanged(-1);
            source.Drop(lease);
        }
        if (unfinished.IsEmpty)
            return;
        log.LogInformation("{Count} trials of {Sweep} are given back.", unfinished.Length, lease.SweepId);
        source.GiveBackAsync(lease, unfinished).GetAwaiter().GetResult();
    }

    // The slot's thread is dedicated, so it may block on work of the thread pool.
    private void Pause(TimeSpan pause, CancellationToken stopping) =>
        Task.Delay(pause, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();
}
