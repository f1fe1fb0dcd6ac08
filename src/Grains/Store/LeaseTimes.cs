namespace DeepTrain.Cluster.Grains.Store;

/// <summary>The time limits of leases.</summary>
public sealed record LeaseTimes
{
    private static readonly TimeSpan LongestTouch = TimeSpan.FromSeconds(5);

    /// <summary>How long a lease lasts without renewal; then the store may give its trials to another slot.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a worker renews: often enough for several attempts within a lease.</summary>
    public TimeSpan Renewal => Lease / 6;

    /// <summary>A worker that has not renewed for this long, by its own clock, pauses its work: well before the lease ends.</summary>
    public TimeSpan WorkerDeadline => Lease * 2 / 3;

    /// <summary>How often unfinished sweeps are touched: several times per lease, so that a dead coordinator is soon replaced.</summary>
    public TimeSpan Touch => Lease / 6 < LongestTouch ? Lease / 6 : LongestTouch;

    /// <summary>The store counts as unavailable if it has not answered for longer than this.</summary>
    public TimeSpan Silence => 3 * Touch;

    /// <summary>How often a coordinator recounts from the store.</summary>
    public TimeSpan Recount { get; init; } = TimeSpan.FromSeconds(60);
}
