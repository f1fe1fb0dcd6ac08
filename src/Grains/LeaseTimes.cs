namespace DeepTrain.Cluster.Grains;

/// <summary>The times that leases live by.</summary>
public sealed record LeaseTimes
{
    /// <summary>After it, without renewal, the store may give a lease's trials to another.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a worker renews.</summary>
    public TimeSpan Renewal { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>A worker that has not renewed for so long, by its own clock, parks its work: well before the lease ends.</summary>
    public TimeSpan WorkerDeadline { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>The times that go with a lease: a worker has several tries to renew it, and parks its work well before its end.</summary>
    public static LeaseTimes Of(TimeSpan lease) => new() { Lease = lease, Renewal = lease / 6, WorkerDeadline = lease * 2 / 3 };

    /// <summary>How often a coordinator recounts from the store.</summary>
    public TimeSpan Recount { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How often the keeper touches unfinished sweeps.</summary>
    public TimeSpan Keeper { get; init; } = TimeSpan.FromSeconds(5);
}
