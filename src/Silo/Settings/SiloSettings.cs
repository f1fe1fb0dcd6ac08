using System.Net;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Monitoring;
using DeepTrain.Cluster.Training.Native;

namespace DeepTrain.Cluster.Silo.Settings;

/// <summary>What a silo does for its cluster.</summary>
[Flags]
public enum SiloRole
{
    /// <summary>Manages sweeps, leases and results.</summary>
    Coordinator = 1,

    /// <summary>Trains trials.</summary>
    Worker = 2,
    Both = Coordinator | Worker,
}

/// <summary>How one silo is run, and how a client reaches the cluster: all valid values of <see cref="SettingsTable"/>.</summary>
/// <param name="Cluster">The servers that a cluster shares; null: this process is the whole cluster.</param>
/// <param name="Data">The folder of checkpoints, models and data files, and of the store if there is no cluster.</param>
public sealed record SiloSettings(SiloRole Role, ClusterServers? Cluster, string Data)
{
    public required string SiloName { get; init; }

    /// <summary>The address at which the silo listens and at which other silos and clients reach it.</summary>
    public required IPAddress Address { get; init; }

    public required int SiloPort { get; init; }

    public required int GatewayPort { get; init; }

    /// <summary>Null: metrics are not served.</summary>
    public required int? MetricsPort { get; init; }

    /// <summary>Where spans are sent; null: nowhere.</summary>
    public required Uri? Otlp { get; init; }

    public required LogFormat LogFormat { get; init; }

    /// <summary>Null: one per core, or one per GPU.</summary>
    public required int? Slots { get; init; }

    /// <summary>The kind of device to train on; null: GPUs if there are any, otherwise the processor.</summary>
    public required DeviceKind? Device { get; init; }

    /// <summary>Whether GPUs may round the factors of products to TensorFloat-32.</summary>
    public required bool Tf32 { get; init; }

    public required LeaseTimes LeaseTimes { get; init; }

    public required TimeSpan CheckpointInterval { get; init; }

    public required TimeSpan ProbeTimeout { get; init; }

    /// <summary>How long a silo that is asked to end has for its checkpoints.</summary>
    public required TimeSpan Grace { get; init; }

    /// <summary>The commands that trials may start here.</summary>
    public required CommandPolicy Commands { get; init; }

    /// <summary>Where data sets that are not embedded are searched.</summary>
    public required string? Datasets { get; init; }

    /// <summary>The folder of libtorch; null: the program's own.</summary>
    public required string? LibTorch { get; init; }
}

/// <summary>The servers that all silos of a cluster share, and the ids by which the silos find each other there.</summary>
public sealed record ClusterServers(PostgresSettings Postgres, RedisSettings Redis, string ClusterId, string ServiceId);

/// <summary>How to reach the Redis server that holds Orleans' membership.</summary>
/// <param name="RootCertificate">The file of the authority that signed the server's certificate; null: the system's authorities.</param>
public sealed record RedisSettings(string Host, int Port, string? User, string? Password, bool Tls, string? RootCertificate)
{
    /// <summary>The server, without the password.</summary>
    public override string ToString() => $"{Host}:{Port}";
}
