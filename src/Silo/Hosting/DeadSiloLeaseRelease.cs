using System.Threading.Channels;
using DeepTrain.Cluster.Grains.Monitoring;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Silo.Monitoring;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo.Hosting;

/// <summary>Releases the leases of silos that membership declares dead, so that their trials need not wait for the expiry.</summary>
internal sealed class DeadSiloLeaseRelease(
    ISiloStatusOracle membership, ISweepStore store, IGrainFactory grains, ActiveSweeps active, TimeProvider time, ILogger<DeadSiloLeaseRelease> log)
    : BackgroundService, ISiloStatusListener
{
    /// <summary>How many dead silos are handled concurrently: one whose coordinators do not answer must not delay the next.</summary>
    private const int Parallelism = 8;

    /// <summary>How often a coordinator is asked to recount. After that it recounts by itself, as it does each minute.</summary>
    private const int Attempts = 3;

    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);

    private readonly OutageLog _outage = new("The leases of dead silos cannot be released.", LogLevel.Warning, log, time);
    private readonly Channel<string> _dead = Channel.CreateUnbounded<string>(new() { SingleReader = true });

    public void SiloStatusChangeNotification(SiloAddress updatedSilo, SiloStatus status)
    {
        if (status is SiloStatus.Dead)
            _dead.Writer.TryWrite(updatedSilo.ToParsableString());
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        membership.SubscribeToSiloStatusEvents(this);
        try
        {
            // Silos that died while no coordinator was running.
            foreach (var (silo, status) in membership.GetApproximateSiloStatuses())
                SiloStatusChangeNotification(silo, status);
            await Parallel.ForEachAsync(
                _dead.Reader.ReadAllAsync(stoppingToken), new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = stoppingToken },
                async (silo, stopping) =>
                {
                    var sweeps = await ReleaseAsync(silo, stopping);
                    await Task.WhenAll(sweeps.Select(sweep => RecountAsync(sweep, silo, stopping)));
                });
        }
        finally
        {
            membership.UnSubscribeFromSiloStatusEvents(this);
        }
    }

    /// <summary>Retries until the store answers: nothing else releases these leases before they expire.</summary>
    /// <returns>The sweeps of the silo's trials.</returns>
    private async Task<IEnumerable<string>> ReleaseAsync(string silo, CancellationToken stopping)
    {
        while (true)
        {
            try
            {
                var (sweeps, lost) = await store.ReleaseSiloAsync(silo);
                _outage.Succeeded();
                active.CountLost(lost);
                if (lost.Count > 0)
                    log.LogWarning("Silo {Silo} is dead: its {Count} trials wait for other silos.", silo, lost.Count);
                return sweeps;
            }
            catch (Exception exception) when (!stopping.IsCancellationRequested)
            {
                _outage.Failed(exception, silo);
                await Task.Delay(RetryPause, time, stopping);
            }
        }
    }

    /// <summary>Asks a sweep's coordinator to count the trials that wait again.</summary>
    private async Task RecountAsync(string sweep, string silo, CancellationToken stopping)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await grains.Sweep(sweep).Recount().WaitAsync(AnswerTime, time, stopping);
                return;
            }
            catch (Exception exception) when (!stopping.IsCancellationRequested)
            {
                if (attempt == Attempts)
                {
                    log.LogWarning(exception, "The coordinator of {Sweep} could not be told that silo {Silo} is dead: it finds the trials that wait when it counts next.",
                        sweep, silo);
                    return;
                }
                await Task.Delay(RetryPause, time, stopping);
            }
        }
    }
}
