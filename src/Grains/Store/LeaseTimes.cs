namespace DeepTrain.Cluster.Grains.Store;

/// <summary>The times that leases live by.</summary>
public sealed record LeaseTimes
{
    private static readonly TimeSpan LongestTouch = TimeSpan.FromSeconds(5);

    /// <summary>After it, without renewal, the store may give a lease's trials to another.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a worker renews: it has several tries.</summary>
    public TimeSpan Renewal => Lease / 6;

    /// <summary>A worker that has not renewed for so long, by its own clock, parks its work: well before the lease ends.</summary>
    public TimeSpan WorkerDeadline => Lease * 2 / 3;

    /// <summary>How often unfinished sweeps are touched: several times in a lease, and soon enough for a coordinator that died.</summary>
    public TimeSpan Touch => Lease / 6 < LongestTouch ? Lease / 6 : LongestTouch;

    /// <summary>After a longer time without an answer of the store, it counts as having been away.</summary>
    public TimeSpan Silence => 3 * Touch;

    /// <summary>How often a coordinator recounts from the store.</summary>
    public TimeSpan Recount { get; init; } = TimeSpan.FromSeconds(60);
}
