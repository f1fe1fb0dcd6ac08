using System.Collections.Immutable;
using System.Threading.Channels;
using DeepTrain.Cluster.Grains.Monitoring;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Grains.Trials;
using DeepTrain.Cluster.Silo.Monitoring;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo.Slots;

/// <summary>Writes all results of the silo to the store: what slots report during one flush forms the next.</summary>
/// <remarks>Nothing is passed on, counted or settled before it is durable; nothing is dropped while the store is unavailable.</remarks>
internal sealed class ResultWriter(
    ISweepStore store, CoordinatorReports reports, IGrainFactory grains, ClusterMetrics metrics, TimeProvider time,
    ILogger<ResultWriter> log) : BackgroundService
{
    /// <summary>The most reports in the queue: a slot that trains faster than the store can write has to wait.</summary>
    private const int Capacity = 20_000;
    private const int LargestFlush = 2_000;

    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);

    private readonly Channel<Pending> _queue = Channel.CreateBounded<Pending>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    private readonly OutageLog _outage = new("Reports cannot be written into the store.", LogLevel.Error, log, time);

    /// <summary>Queues a report; blocks the slot's thread while the queue is full.</summary>
    /// <param name="concluded">Called when the store has judged this report and all that were queued before it.</param>
    public void Enqueue(HeldLease lease, FencedReport report, Action? concluded = null)
    {
        var pending = new Pending(lease, report, concluded);
        metrics.Queued(1);
        if (!_queue.Writer.TryWrite(pending))
            _queue.Writer.WriteAsync(pending).AsTask().GetAwaiter().GetResult();
    }

    /// <summary>Flushes the queue, then ends.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _queue.Writer.TryComplete();
        if (ExecuteTask is { } writing)
            await writing.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await base.StopAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var batch = new List<Pending>(LargestFlush);
        while (await _queue.Reader.WaitToReadAsync(CancellationToken.None))
        {
            batch.Clear();
            while (batch.Count < LargestFlush && _queue.Reader.TryRead(out var pending))
                batch.Add(pending);
            var started = time.GetTimestamp();
            using var span = SweepTraces.Begin("flush")?.SetTag("deeptrain.reports", batch.Count);
            if (await WriteAsync([.. batch.Select(pending => pending.Report)], stoppingToken) is not { } verdicts)
            {
                log.LogError("The store has not answered until the end: {Count} reports are lost, and what they are of is trained again.",
                    batch.Count + _queue.Reader.Count);
                return;
            }
            metrics.Flushed(batch.Count, time.GetElapsedTime(started));
            Conclude(batch, verdicts);
        }
    }

    /// <returns>Null if the process ends before the store has answered.</returns>
    private async Task<ImmutableArray<WriteVerdict>?> WriteAsync(List<FencedReport> batch, CancellationToken stopping)
    {
        while (true)
        {
            try
            {
                var verdicts = await store.WriteAsync(batch);
                _outage.Succeeded();
                return verdicts;
            }
            catch (Exception exception)
            {
                metrics.FlushFailed();
                _outage.Failed(exception);
                if (stopping.IsCancellationRequested)
                    return null;
                await Task.Delay(RetryPause, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private void Conclude(List<Pending> batch, ImmutableArray<WriteVerdict> verdicts)
    {
        var durable = new List<FencedReport>(batch.Count);
        var retried = new HashSet<string>();
        foreach (var ((lease, report, concluded), verdict) in batch.Zip(verdicts))
        {
            var ending = report.Report.Ending;
            switch (verdict)
            {
                case WriteVerdict.Accepted:
                    lease.Reported();
                    metrics.EpochTrained(report.Report);
                    if (ending is not null)
                        metrics.TrialEnded(ending, lease.Age);
                    durable.Add(report);
                    break;
                case WriteVerdict.AlreadyAccepted:
                    durable.Add(report);
                    break;
                case WriteVerdict.WillRetry:
                    metrics.TrialRetried(ending!.Failure!.Class);
                    retried.Add(report.Report.Trial.Sweep);
                    break;
                case WriteVerdict.Refused:
                    metrics.WriteRefused();
                    lease.Refuse(report.Report.Trial);
                    break;
                default:
                    log.LogError("The store cannot hold epoch {Epoch} of {Trial}.", report.Report.Epoch, report.Report.Trial);
                    lease.Refuse(report.Report.Trial);
                    break;
            }
            if (ending is not null)
                grains.Trial(report.Report.Trial).Settle(report.Fence).Ignore();
            concluded?.Invoke();
        }
        reports.Post(durable);
        // A coordinator that misses this soon recounts anyway.
        foreach (var sweep in retried)
            grains.Sweep(sweep).RecountWaiting().Ignore();
        if (verdicts.Count(verdict => verdict is WriteVerdict.Refused) is > 0 and var refused)
            log.LogWarning("{Count} reports were refused: they came under leases that this silo has lost.", refused);
    }

    private sealed record Pending(HeldLease Lease, FencedReport Report, Action? Concluded);
}
