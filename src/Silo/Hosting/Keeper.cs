using DeepTrain.Cluster.Grains;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo;

/// <summary>Touches unfinished sweeps, so that a dead coordinator is back without a caller, and a forgotten dispatcher hears of them.</summary>
internal sealed class Keeper(ISweepReader store, IGrainFactory grains, LeaseTimes times, TimeProvider time, ILogger<Keeper> log)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(times.Keeper, time);
        do
        {
            try
            {
                foreach (var sweepId in await store.UnfinishedAsync())
                    await grains.GetGrain<ISweepGrain>(sweepId).Touch();
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogWarning(exception, "The keeper could not touch every unfinished sweep; it tries again.");
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
