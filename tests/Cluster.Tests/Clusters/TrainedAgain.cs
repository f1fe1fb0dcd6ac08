using System.Diagnostics;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>Remembers which epochs were durable, looking once a second, to tell what was trained again.</summary>
internal sealed class TrainedAgain(StoreServer store, string sweep)
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly Dictionary<(long Trial, int Epoch, long Fence), double> _seconds = [];
    private readonly Dictionary<(long Trial, long Fence), long> _leases = [];
    private long? _lastLook;

    /// <summary>Takes down what is durable, if the last time was a while ago.</summary>
    public void LookAtTimes()
    {
        if (_lastLook is not { } last || Stopwatch.GetElapsedTime(last) >= LookInterval)
            Look();
    }

    /// <summary>Takes down what is durable now.</summary>
    public void Look()
    {
        foreach (var epoch in store.DurableEpochs(sweep))
        {
            _seconds[(epoch.Trial, epoch.Epoch, epoch.Fence)] = epoch.Seconds;
            if (epoch.Lease is { } lease)
                _leases[(epoch.Trial, epoch.Fence)] = lease;
        }
        _lastLook = Stopwatch.GetTimestamp();
    }

    /// <summary>
    /// Of the lease that lost most: the seconds of its cohort's training that were durable and that others did again, and those of an epoch.
    /// </summary>
    public (double Seconds, double LongestEpoch) Most()
    {
        // Where each lease of a trial went on from: of what earlier ones had, nothing counts from there on.
        var begins = _seconds.Keys.GroupBy(epoch => epoch.Trial).ToDictionary(trial => trial.Key, trial => trial
            .GroupBy(epoch => epoch.Fence).Select(lease => (Fence: lease.Key, First: lease.Min(epoch => epoch.Epoch))).ToList());
        return _seconds
            .Where(epoch => _leases.ContainsKey((epoch.Key.Trial, epoch.Key.Fence))
                && begins[epoch.Key.Trial].Exists(later => later.Fence > epoch.Key.Fence && later.First <= epoch.Key.Epoch))
            // A lease's trials share the time of its cohort.
            .GroupBy(epoch => _leases[(epoch.Key.Trial, epoch.Key.Fence)])
            .Select(lease => (
                Seconds: lease.Sum(epoch => epoch.Value),
                LongestEpoch: lease.GroupBy(epoch => epoch.Key.Epoch).Max(epoch => epoch.Sum(trial => trial.Value))))
            .DefaultIfEmpty().MaxBy(lost => lost.Seconds);
    }
}
