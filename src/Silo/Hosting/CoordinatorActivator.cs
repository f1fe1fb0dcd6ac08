using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Silo.Monitoring;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo.Hosting;

/// <summary>Touches unfinished sweeps, which restarts dead coordinators and announces the sweeps to a restarted dispatcher.</summary>
internal sealed class CoordinatorActivator(
    ISweepReader store, IGrainFactory grains, LeaseTimes times, ClusterMetrics metrics, TimeProvider time, ILogger<CoordinatorActivator> log)
    : PeriodicService(times.Touch, new("Unfinished sweeps lack a coordinator that answers.", LogLevel.Warning, log, time), time)
{
    /// <summary>How many sweeps are touched concurrently.</summary>
    private const int Parallelism = 100;

    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(5);

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        metrics.Coordinates();
        return base.StartAsync(cancellationToken);
    }

    protected override async Task RunAsync(CancellationToken stopping) => await Parallel.ForEachAsync(
        await store.UnfinishedAsync(), new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = stopping },
        // A coordinator that hangs must not delay those of other sweeps.
        async (sweepId, _) => await TryAsync(sweepId, () => grains.Sweep(sweepId).Touch().WaitAsync(AnswerTime, Time, stopping), stopping));
}
