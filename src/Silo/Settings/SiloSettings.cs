using System.Net;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Monitoring;
using DeepTrain.Cluster.Training.Native;

namespace DeepTrain.Cluster.Silo.Settings;

/// <summary>What a silo does for its cluster.</summary>
[Flags]
public enum SiloRole
{
    /// <summary>Keeps the books: sweeps, leases, results.</summary>
    Coordinator = 1,

    /// <summary>Trains.</summary>
    Worker = 2,
    Both = Coordinator | Worker,
}

/// <summary>How one silo is run, and how a client reaches the cluster: all of <see cref="SettingsTable"/>, found valid.</summary>
/// <param name="Cluster">The servers that a cluster shares; null: this process is the whole cluster.</param>
/// <param name="Data">The folder of checkpoints, models and data files; without a cluster of the store too.</param>
public sealed record SiloSettings(SiloRole Role, ClusterServers? Cluster, string Data)
{
    public required string SiloName { get; init; }

    /// <summary>Where other silos and clients reach this one, and where it listens.</summary>
    public required IPAddress Address { get; init; }

    public required int SiloPort { get; init; }

    public required int GatewayPort { get; init; }

    /// <summary>Null: no metrics.</summary>
    public required int? MetricsPort { get; init; }

    /// <summary>Where spans are sent; null: nowhere.</summary>
    public required Uri? Otlp { get; init; }

    public required LogFormat LogFormat { get; init; }

    /// <summary>Null: one a core, or one a GPU.</summary>
    public required int? Slots { get; init; }

    /// <summary>The kind of devices that train; null: GPUs where there are any, else the processor.</summary>
    public required DeviceKind? Device { get; init; }

    /// <summary>Whether GPUs may round the factors of products to TensorFloat-32.</summary>
    public required bool Tf32 { get; init; }

    public required LeaseTimes LeaseTimes { get; init; }

    public required TimeSpan CheckpointInterval { get; init; }

    public required TimeSpan ProbeTimeout { get; init; }

    /// <summary>How long a silo that is asked to end has for its checkpoints.</summary>
    public required TimeSpan Grace { get; init; }

    /// <summary>What trials may start here.</summary>
    public required CommandPolicy Commands { get; init; }

    /// <summary>Where data sets are looked for that are not embedded.</summary>
    public required string? Datasets { get; init; }

    /// <summary>Where libtorch is; null: beside the program.</summary>
    public required string? LibTorch { get; init; }
}

/// <summary>The servers that all silos of a cluster share, and the names by which these find each other there.</summary>
public sealed record ClusterServers(PostgresSettings Postgres, RedisSettings Redis, string ClusterId, string ServiceId);

/// <summary>How to reach the Redis server that holds Orleans' membership.</summary>
/// <param name="RootCertificate">The file of the authority that its certificate is trusted by; null: the system's.</param>
public sealed record RedisSettings(string Host, int Port, string? User, string? Password, bool Tls, string? RootCertificate)
{
    /// <summary>Without its password.</summary>
    public override string ToString() => $"{Host}:{Port}";
}
