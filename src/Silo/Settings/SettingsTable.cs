using System.Collections.Immutable;
using System.Net;
using DeepTrain.Cluster.Silo.Monitoring;
using DeepTrain.Cluster.Training.Native;

namespace DeepTrain.Cluster.Silo.Settings;

/// <summary>All settings of a silo, for the reader, <c>silo settings</c> and the reference.</summary>
public static class SettingsTable
{
    public static readonly Setting<SiloRole?> Role = Setting.Choice("role", SiloRole.Both,
        new Dictionary<string, SiloRole> { ["coordinator"] = SiloRole.Coordinator, ["worker"] = SiloRole.Worker, ["both"] = SiloRole.Both },
        "What the silo does: keep the books, train, or both.");

    public static readonly Setting<string?> Data = Setting.Text("data", ".deeptrain",
        "The folder of checkpoints, models and data files, shared by all silos of a cluster; without a cluster of the store too.");

    public static readonly Setting<string?> Datasets = Setting.Folder("datasets",
        "A folder with the files of fashion-mnist or mnist.");

    public static readonly Setting<string?> LibTorch = Setting.Folder("libtorch",
        "A folder whose libtorch is used, in place of one beside the program: torch/lib of a Python installation, for one.");

    public static readonly Setting<string?> PostgresHost = Setting.Text("postgres.host", null,
        "The PostgreSQL server that holds sweeps and results; with redis.host it makes the silo one of a cluster.");

    public static readonly Setting<int?> PostgresPort = Setting.Integer("postgres.port", 5432, 1, 65535, "Its port.");

    public static readonly Setting<string?> PostgresDatabase = Setting.Text("postgres.database", "deeptrain", "The database there.");

    public static readonly Setting<string?> PostgresUser = Setting.Text("postgres.user", "deeptrain", "The user there.");

    public static readonly Setting<string?> PostgresPassword = Setting.Secret("postgres.password", "The user's password.");

    public static readonly Setting<string?> PostgresPasswordFile = Setting.File("postgres.passwordFile",
        "The file that holds the password; read once, at the start.");

    public static readonly Setting<PostgresTls?> PostgresEncryption = Setting.Choice("postgres.tls", PostgresTls.Prefer,
        new Dictionary<string, PostgresTls>
        {
            ["disable"] = PostgresTls.Disable, ["prefer"] = PostgresTls.Prefer, ["require"] = PostgresTls.Require, ["verify-ca"] = PostgresTls.VerifyCa,
            ["verify-full"] = PostgresTls.VerifyFull,
        },
        "Whether the connection is encrypted, and what of the server's certificate is checked.");

    public static readonly Setting<string?> PostgresCertificate = Setting.File("postgres.ca",
        "The certificate of the authority that signed the server's; by default the system's authorities are trusted.");

    public static readonly Setting<string?> RedisHost = Setting.Text("redis.host", null,
        "The Redis server that holds the membership of silos.");

    public static readonly Setting<int?> RedisPort = Setting.Integer("redis.port", 6379, 1, 65535, "Its port.");

    public static readonly Setting<string?> RedisUser = Setting.Text("redis.user", null, "The user there.");

    public static readonly Setting<string?> RedisPassword = Setting.Secret("redis.password", "The user's password.");

    public static readonly Setting<string?> RedisPasswordFile = Setting.File("redis.passwordFile",
        "The file that holds the password; read once, at the start.");

    public static readonly Setting<bool?> RedisTls = Setting.Flag("redis.tls",
        "Whether the connection is encrypted and the server's certificate checked.");

    public static readonly Setting<string?> RedisCertificate = Setting.File("redis.ca",
        "The certificate of the authority that signed the server's; by default the system's authorities are trusted.");

    public static readonly Setting<string?> ClusterId = Setting.Text("clusterId", "deeptrain", "In a cluster: its id; silos of the same one belong together.");

    public static readonly Setting<string?> ServiceId = Setting.Text("serviceId", "deeptrain", "In a cluster: Orleans' id of the service.");

    public static readonly Setting<string?> SiloName = Setting.Text("siloName", null, "The silo's name in logs; by default the machine's.");

    public static readonly Setting<IPAddress?> Address = new("address", IPAddress.Loopback,
        text => IPAddress.TryParse(text, out var address) ? address : null, "an IP address",
        "In a cluster: where the others reach this silo, and where it listens. A silo alone is on the loopback.");

    public static readonly Setting<int?> SiloPort = Setting.Integer("siloPort", 11111, 1, 65535, "In a cluster: the port for other silos. A silo alone takes a free one.");

    public static readonly Setting<int?> GatewayPort = Setting.Integer("gatewayPort", 30000, 1, 65535, "In a cluster: the port for clients. A silo alone takes a free one.");

    public static readonly Setting<int?> MetricsPort = Setting.Integer("metricsPort", 9464, 0, 65535,
        "The port of /metrics, for Prometheus, and of /health; 0 for none.");

    public static readonly Setting<Uri?> Otlp = new("otlp", null,
        text => Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" ? address : null,
        "an http or https address", "The collector that spans over sweeps are sent to, by OTLP over HTTP: http://collector:4318; by default none.");

    public static readonly Setting<LogFormat?> Logs = Setting.Choice("logFormat", LogFormat.Text,
        new Dictionary<string, LogFormat> { ["text"] = LogFormat.Text, ["json"] = LogFormat.Json },
        "In a cluster: what lines of the log, on stderr, are: text for people, or JSON objects that name sweep and trial.");

    public static readonly Setting<int?> Slots = Setting.Integer("slots", 0, 0, 1024,
        "How many cohorts train side by side; 0: one a core, or one a GPU.");

    public static readonly Setting<DeviceKind?> Device = new("device", null,
        text => text switch { "cpu" => DeviceKind.Cpu, "cuda" => DeviceKind.Cuda, _ => null }, "cpu or cuda",
        "What trains; by default the GPUs where there are any that libtorch can use, else the processor. CUDA_VISIBLE_DEVICES says which GPUs.");

    public static readonly Setting<bool?> Tf32 = Setting.Flag("tf32",
        "Whether GPUs may round the factors of products to TensorFloat-32: faster, less exact, and recorded with each result.");

    public static readonly Setting<TimeSpan?> Checkpoint = Setting.Seconds("checkpointSeconds", 30, 0, 86_400,
        "How long a run goes without a checkpoint; so much is trained again at most when a worker dies.");

    public static readonly Setting<TimeSpan?> Lease = Setting.Seconds("leaseSeconds", 30, 3, 3_600,
        "How long a worker that is silent keeps its trials; it renews every sixth of it. All silos of a cluster agree on it.");

    public static readonly Setting<TimeSpan?> Probe = Setting.Seconds("probeSeconds", 2, 0.5, 60,
        "How long silos wait for each other's answer; a few in a row that are missed mean death.");

    public static readonly Setting<TimeSpan?> Grace = Setting.Seconds("graceSeconds", 25, 1, 3_600,
        "How long a silo that is asked to end has for its checkpoints; shorter than what whoever ends it waits.");

    public static readonly Setting<CommandPolicy?> Commands = new("commands", null, CommandPolicy.Parse, CommandPolicy.Expected,
        "The commands that sweeps with a command trainer may start on this worker; by default none.");

    public static readonly ImmutableArray<Setting> All =
    [
        Role, Data, Datasets, LibTorch,
        PostgresHost, PostgresPort, PostgresDatabase, PostgresUser, PostgresPassword, PostgresPasswordFile, PostgresEncryption, PostgresCertificate,
        RedisHost, RedisPort, RedisUser, RedisPassword, RedisPasswordFile, RedisTls, RedisCertificate,
        ClusterId, ServiceId, SiloName, Address, SiloPort, GatewayPort, MetricsPort, Otlp, Logs, Slots, Device, Tf32, Checkpoint, Lease, Probe, Grace, Commands,
    ];

    /// <summary>
    /// The settings that also apply to a run in the process of a command. The others are about a cluster's servers or a silo's address; the
    /// folder of a run is given on its command line.
    /// </summary>
    public static readonly ImmutableArray<Setting> OfRuns =
        [Datasets, LibTorch, MetricsPort, Otlp, Slots, Device, Tf32, Checkpoint, Lease, Probe, Grace, Commands];
}
