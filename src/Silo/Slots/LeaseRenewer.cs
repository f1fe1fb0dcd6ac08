using System.Collections.Concurrent;
using DeepTrain.Cluster.Grains.Dispatch;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Silo.Monitoring;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo.Slots;

/// <summary>Renews the leases of this silo's slots, with one call per sweep.</summary>
internal sealed class LeaseRenewer(IGrainFactory grains, LeaseTimes times, ClusterMetrics metrics, TimeProvider time, ILogger<LeaseRenewer> log)
    : PeriodicService(times.Renewal, new("Leases cannot be renewed.", LogLevel.Warning, log, time), time)
{
    private readonly ConcurrentDictionary<Guid, HeldLease> _held = new();

    /// <summary>A slot holds the lease from now on.</summary>
    /// <param name="sentAt">When the granted request was sent.</param>
    public HeldLease Hold(string sweepId, Guid lease, SlotId slot, long sentAt) =>
        _held[lease] = new(sweepId, lease, slot, sentAt, times.WorkerDeadline, Time);

    /// <summary>The slot no longer works under the lease.</summary>
    public void Drop(HeldLease lease) => _held.TryRemove(lease.Id, out _);

    protected override Task RunAsync(CancellationToken stopping) => Task.WhenAll(_held.Values.GroupBy(lease => lease.SweepId)
        // Without an answer the lease stays valid until its deadline, and the next round asks again.
        .Select(sweep => TryAsync(sweep.Key, () => RenewAsync(sweep.Key, [.. sweep]), stopping)));

    private async Task RenewAsync(string sweepId, List<HeldLease> leases)
    {
        var sentAt = Time.GetTimestamp();
        var good = await grains.Sweep(sweepId).Renew([.. leases.Select(lease => new RenewedLease(lease.Id, lease.Slot, lease.Quiet))])
            // A coordinator that hangs must not delay the others' next round.
            .WaitAsync(times.Renewal, Time);
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
                log.LogInformation("Lease {Lease} of {Sweep} is lost: its coordinator no longer renews it.", lease.Id, sweepId);
            }
        }
    }
}
