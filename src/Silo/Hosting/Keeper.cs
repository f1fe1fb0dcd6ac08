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
                await Task.WhenAll((await store.UnfinishedAsync()).Select(TouchAsync));
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogWarning(exception, "The keeper could not ask which sweeps are unfinished; it tries again.");
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task TouchAsync(string sweepId)
    {
        try
        {
            await grains.Sweep(sweepId).Touch();
        }
        catch (Exception exception)
        {
            log.LogWarning(exception, "The keeper could not touch {Sweep}; it tries again.", sweepId);
        }
    }
}
