using Microsoft.Extensions.Hosting;

namespace DeepTrain.Cluster.Silo.Monitoring;

/// <summary>Work that a silo does at once and then periodically until it ends. A failed round is logged, and the next retries.</summary>
/// <param name="failures">Logs when rounds begin to fail and when they succeed again.</param>
internal abstract class PeriodicService(TimeSpan period, OutageLog failures, TimeProvider time) : BackgroundService
{
    private volatile bool _hasFailed;

    protected TimeProvider Time => time;

    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(period, time);
        do
            await RunRoundAsync(stoppingToken);
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>Runs one round; the only exception it throws is cancellation.</summary>
    internal async Task RunRoundAsync(CancellationToken stopping)
    {
        _hasFailed = false;
        await TryAsync(null, () => RunAsync(stopping), stopping);
        if (!_hasFailed)
            failures.Succeeded();
    }

    /// <summary>What one round does.</summary>
    protected abstract Task RunAsync(CancellationToken stopping);

    /// <summary>Does one of the items of a round: if it fails, the failure is logged and the round continues with the others.</summary>
    /// <param name="item">The item's name in the log; null if it is the whole round.</param>
    protected async Task TryAsync(string? item, Func<Task> work, CancellationToken stopping)
    {
        stopping.ThrowIfCancellationRequested();
        try
        {
            await work();
        }
        catch (Exception error) when (!stopping.IsCancellationRequested)
        {
            _hasFailed = true;
            failures.Failed(error, item);
        }
    }
}
