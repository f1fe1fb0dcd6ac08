using DeepTrain.Cluster.Grains;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo;

/// <summary>Takes the leases of a silo that membership declares dead, so that its trials need not wait for them to run out.</summary>
internal sealed class DeadSilos(ISiloStatusOracle membership, ISweepStore store, ILogger<DeadSilos> log)
    : IHostedService, ISiloStatusListener
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        membership.SubscribeToSiloStatusEvents(this);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        membership.UnSubscribeFromSiloStatusEvents(this);
        return Task.CompletedTask;
    }

    public void SiloStatusChangeNotification(SiloAddress updatedSilo, SiloStatus status)
    {
        if (status is SiloStatus.Dead)
            ReleaseAsync(updatedSilo).Ignore();
    }

    private async Task ReleaseAsync(SiloAddress silo)
    {
        try
        {
            await store.ReleaseSiloAsync(silo.ToParsableString());
        }
        catch (Exception exception)
        {
            log.LogWarning(exception, "The leases of dead silo {Silo} could not be taken; they run out by themselves.", silo);
        }
    }
}
