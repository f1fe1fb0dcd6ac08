using Microsoft.Extensions.Hosting;

namespace DeepTrain.Cluster.Silo.Monitoring;

/// <summary>Work that a silo does at once and then once a period, until it ends. A round that fails is logged, and the next one tries again.</summary>
/// <param name="failures">Logs that rounds fail, and that they succeed again.</param>
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

    /// <summary>One round; it throws nothing but that it was cancelled.</summary>
    internal async Task RunRoundAsync(CancellationToken stopping)
    {
        _hasFailed = false;
        await TryAsync(null, () => RunAsync(stopping), stopping);
        if (!_hasFailed)
            failures.Succeeded();
    }

    /// <summary>What one round does.</summary>
    protected abstract Task RunAsync(CancellationToken stopping);

    /// <summary>Does one of several things that a round consists of: should it fail, that is logged, and the round goes on with the others.</summary>
    /// <param name="item">What the log names it by; null: it is the whole round.</param>
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
