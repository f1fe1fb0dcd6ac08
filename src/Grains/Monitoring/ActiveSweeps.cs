using System.Collections.Concurrent;
using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Store;

namespace DeepTrain.Cluster.Grains.Monitoring;

/// <summary>The running sweeps that this process coordinates, as their coordinators last saw them. The gauges report these.</summary>
/// <remarks>A coordinator adds and removes its sweep, so a sweep that moved or ended is gone from the next scrape.</remarks>
public sealed class ActiveSweeps
{
    private readonly ConcurrentDictionary<string, ActiveSweep> _sweeps = new();
    private long _opened;
    private long _expired;
    private long _killed;

    public IEnumerable<ActiveSweep> All => _sweeps.Values;

    /// <summary>How often a coordinator in this process has opened a sweep: when it starts, and when the file or state changes.</summary>
    public long Opened => Interlocked.Read(ref _opened);

    /// <summary>How many trials this process took from expired leases or dead silos.</summary>
    public long Expired => Interlocked.Read(ref _expired);

    /// <summary>How many of those it marked as failed because their workers had died of them.</summary>
    public long Killed => Interlocked.Read(ref _killed);

    public void CountLost(LostTrials lost)
    {
        Interlocked.Add(ref _expired, lost.Count);
        Interlocked.Add(ref _killed, lost.Killers);
    }

    internal void Open() => Interlocked.Increment(ref _opened);

    internal void Set(ActiveSweep sweep) => _sweeps[sweep.Progress.SweepId] = sweep;

    internal void Remove(string sweepId) => _sweeps.TryRemove(sweepId, out _);
}

/// <param name="Fence">The coordinator's fence.</param>
/// <param name="Rebuilding">How long reading the results took.</param>
/// <param name="LastResult">When the end of a trial was last reported to the coordinator; null: never.</param>
/// <param name="LastEpoch">When an epoch or an ending last became durable; before the first, when the coordinator opened the sweep.</param>
public sealed record ActiveSweep(SweepProgress Progress, long Fence, TimeSpan Rebuilding, DateTimeOffset? LastResult, DateTimeOffset LastEpoch)
{
    /// <summary>The kind of device that may train it; null: any.</summary>
    public string? Device { get; init; }

    /// <summary>The estimated remaining time; null if it is not known yet.</summary>
    public TimeSpan? Left { get; init; }

    /// <summary>The results of each level so far, for factors with listed levels and up to a limit.</summary>
    public ImmutableArray<LevelResults> Levels { get; init; } = [];
}
