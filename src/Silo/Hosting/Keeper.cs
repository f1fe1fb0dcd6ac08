using DeepTrain.Cluster.Grains;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo;

/// <summary>Touches unfinished sweeps, so that a dead coordinator is back without a caller, and a forgotten dispatcher hears of them.</summary>
internal sealed class Keeper(ISweepReader store, IGrainFactory grains, LeaseTimes times, ClusterMetrics metrics, TimeProvider time, ILogger<Keeper> log)
    : BackgroundService
{
    private readonly Outage _outage = new("The keeper cannot look after unfinished sweeps.", LogLevel.Warning, log, time);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        metrics.Coordinates();
        using var timer = new PeriodicTimer(times.Keeper, time);
        do
        {
            try
            {
                var touched = await Task.WhenAll((await store.UnfinishedAsync()).Select(TouchAsync));
                if (touched.All(isTouched => isTouched))
                    _outage.Succeeded();
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                _outage.Failed(exception);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <returns>Whether its coordinator has answered.</returns>
    private async Task<bool> TouchAsync(string sweepId)
    {
        try
        {
            await grains.Sweep(sweepId).Touch();
            return true;
        }
        catch (Exception exception)
        {
            _outage.Failed(exception, sweepId);
            return false;
        }
    }
}
