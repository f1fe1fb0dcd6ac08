using System.Collections.Concurrent;
using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Store;

namespace DeepTrain.Cluster.Grains.Monitoring;

/// <summary>The running sweeps whose coordinator lives in this process, as it last saw them: what gauges report.</summary>
/// <remarks>A coordinator puts its sweep here and takes it away, so a sweep that moved or ended is gone from the next scrape.</remarks>
public sealed class ActiveSweeps
{
    private readonly ConcurrentDictionary<string, ActiveSweep> _sweeps = new();
    private long _opened;
    private long _expired;
    private long _killed;

    public IEnumerable<ActiveSweep> All => _sweeps.Values;

    /// <summary>How often a coordinator in this process has taken a sweep over: with its start, and with every change of its file or state.</summary>
    public long Opened => Interlocked.Read(ref _opened);

    /// <summary>How many trials this process took from leases whose time was over or whose silo had died.</summary>
    public long Expired => Interlocked.Read(ref _expired);

    /// <summary>How many of those it failed, because their workers have died of them.</summary>
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

/// <param name="Fence">The coordinator's.</param>
/// <param name="Rebuilding">How long it took to read what it counts.</param>
/// <param name="LastResult">When a trial's end was reported to it last; null: none has been.</param>
/// <param name="LastEpoch">When a report, of an epoch or an end, became durable last; where none has since its coordinator came: when that was.</param>
public sealed record ActiveSweep(SweepProgress Progress, long Fence, TimeSpan Rebuilding, DateTimeOffset? LastResult, DateTimeOffset LastEpoch)
{
    /// <summary>The kind of devices that may train it; null: any.</summary>
    public string? Device { get; init; }

    /// <summary>How long the rest may take; null: it cannot be told yet.</summary>
    public TimeSpan? Left { get; init; }

    /// <summary>How the levels of its factors compare so far; not of factors without listed levels, nor beyond a limit.</summary>
    public ImmutableArray<LevelResults> Levels { get; init; } = [];
}
