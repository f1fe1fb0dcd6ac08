using System.Collections.Concurrent;
using DeepTrain.Cluster.Grains;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo;

/// <summary>Renews the leases that this silo's slots hold, all of a sweep in one call.</summary>
internal sealed class LeaseRenewer(IGrainFactory grains, LeaseTimes times, ClusterMetrics metrics, TimeProvider time, ILogger<LeaseRenewer> log)
    : BackgroundService
{
    private readonly ConcurrentDictionary<Guid, HeldLease> _held = new();
    private readonly Outage _outage = new("Leases cannot be renewed.", LogLevel.Warning, log, time);

    /// <summary>A slot works under the lease from now on.</summary>
    /// <param name="sentAt">When the request was sent that granted it.</param>
    public HeldLease Hold(string sweepId, Guid lease, SlotId slot, long sentAt) =>
        _held[lease] = new(sweepId, lease, slot, sentAt, times.WorkerDeadline, time);

    /// <summary>Nobody works under the lease any more.</summary>
    public void Drop(HeldLease lease) => _held.TryRemove(lease.Id, out _);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(times.Renewal, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            var renewed = await Task.WhenAll(_held.Values.GroupBy(lease => lease.SweepId).Select(sweep => RenewAsync(sweep.Key, [.. sweep])));
            if (renewed.Length > 0 && renewed.All(isRenewed => isRenewed))
                _outage.Succeeded();
        }
    }

    /// <returns>Whether the coordinator has answered.</returns>
    private async Task<bool> RenewAsync(string sweepId, List<HeldLease> leases)
    {
        var sentAt = time.GetTimestamp();
        try
        {
            var good = await grains.Sweep(sweepId).Renew([.. leases.Select(lease => new RenewedLease(lease.Id, lease.Slot, lease.Quiet))])
                // One coordinator that hangs must not hold up the others' next round.
                .WaitAsync(times.Renewal, time);
            foreach (var lease in leases)
            {
                if (good.TryGetValue(lease.Id, out var wanted))
                {
                    lease.Renewed(sentAt, wanted);
                    metrics.LeaseRenewed();
                }
                else
                {
                    lease.Lose();
                    metrics.LeaseLost();
                }
            }
            return true;
        }
        catch (Exception exception)
        {
            // No answer is no verdict: the lease runs on to its deadline, and the next round asks again.
            _outage.Failed(exception, sweepId);
            return false;
        }
    }
}
