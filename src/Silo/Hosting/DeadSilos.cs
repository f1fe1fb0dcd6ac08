using System.Threading.Channels;
using DeepTrain.Cluster.Grains;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo;

/// <summary>Takes the leases of silos that membership declares dead, so that their trials need not wait for them to run out.</summary>
internal sealed class DeadSilos(
    ISiloStatusOracle membership, ISweepStore store, IGrainFactory grains, ActiveSweeps active, TimeProvider time, ILogger<DeadSilos> log)
    : BackgroundService, ISiloStatusListener
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);

    private readonly Outage _outage = new("Dead silos' leases cannot be taken.", LogLevel.Warning, log, time);
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
            // Those that died while no coordinator looked.
            foreach (var (silo, status) in membership.GetApproximateSiloStatuses())
                SiloStatusChangeNotification(silo, status);
            await foreach (var silo in _dead.Reader.ReadAllAsync(stoppingToken))
                await ReleaseAsync(silo, stoppingToken);
        }
        finally
        {
            membership.UnSubscribeFromSiloStatusEvents(this);
        }
    }

    private async Task ReleaseAsync(string silo, CancellationToken stopping)
    {
        while (true)
        {
            try
            {
                var (sweeps, lost) = await store.ReleaseSiloAsync(silo);
                active.CountLost(lost);
                if (lost.Count > 0)
                    log.LogWarning("Silo {Silo} is dead; {Count} trials were taken from it.", silo, lost.Count);
                await Task.WhenAll(sweeps.Select(sweep => grains.Sweep(sweep).Recount()));
                _outage.Succeeded();
                return;
            }
            catch (Exception exception) when (!stopping.IsCancellationRequested)
            {
                _outage.Failed(exception, silo);
                await Task.Delay(RetryPause, time, stopping);
            }
        }
    }
}
