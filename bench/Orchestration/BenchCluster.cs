using System.Net;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Servers;
using DeepTrain.Cluster.Silo.DataFolders;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace DeepTrain.Cluster.Bench;

/// <summary>Silos on a store: with SQLite one that does all, with PostgreSQL a coordinator and a worker beside servers of their own.</summary>
internal abstract class BenchCluster(string folder, int slots) : IAsyncDisposable
{
    private SiloProcess? _worker;
    private IHost? _client;

    /// <summary>The process whose memory and time are counted.</summary>
    public SiloProcess Coordinator { get; private set; } = null!;

    protected string Data => Path.Combine(folder, "data");

    protected int Slots => slots;

    public static async Task<BenchCluster> StartAsync(string store, string folder, int slots)
    {
        BenchCluster cluster = store == "postgres" ? await PostgresCluster.CreateAsync(folder, slots) : new SqliteCluster(folder, slots);
        await cluster.StartAsync();
        return cluster;
    }

    public ISweepGrain Sweep(string id) => _client!.Services.GetRequiredService<IGrainFactory>().Sweep(id);

    /// <summary>Kills all silos as a power failure would.</summary>
    public void Kill()
    {
        _client?.Dispose();
        _worker?.Dispose();
        Coordinator?.Dispose();
    }

    /// <summary>Starts the silos, on whatever the store holds.</summary>
    public async Task StartAsync()
    {
        (Coordinator, _worker, var (gateway, clusterId)) = await StartSilosAsync();
        _client = await SiloProcess.ConnectAsync(gateway, clusterId, "deeptrain");
    }

    public virtual ValueTask DisposeAsync()
    {
        Kill();
        return ValueTask.CompletedTask;
    }

    protected abstract Task<(SiloProcess Coordinator, SiloProcess? Worker, (IPEndPoint Gateway, string ClusterId) Address)> StartSilosAsync();

    private sealed class SqliteCluster(string folder, int slots) : BenchCluster(folder, slots)
    {
        protected override async Task<(SiloProcess, SiloProcess?, (IPEndPoint, string))> StartSilosAsync()
        {
            var silo = await SiloProcess.StartAsync(new()
            {
                ["DEEPTRAIN_DATA"] = Data,
                ["DEEPTRAIN_SLOTS"] = $"{Slots}",
                ["DEEPTRAIN_METRICS_PORT"] = "0",
            });
            var gateway = new DataFolder(Data).ReadGateway()!;
            return (silo, null, (IPEndPoint.Parse(gateway.Endpoint), gateway.ClusterId));
        }
    }

    private sealed class PostgresCluster(
        string folder, int slots, PostgresServer postgres, RedisServer redis, Dictionary<string, string> settings) : BenchCluster(folder, slots)
    {
        private int _starts;

        public static async Task<PostgresCluster> CreateAsync(string folder, int slots)
        {
            // As it comes: what is committed is on the disk.
            var postgres = await PostgresServer.StartAsync("fsync=on");
            var redis = await RedisServer.StartAsync();
            Dictionary<string, string> settings = new()
            {
                ["DEEPTRAIN_POSTGRES_HOST"] = postgres.Host,
                ["DEEPTRAIN_POSTGRES_PORT"] = $"{postgres.Port}",
                ["DEEPTRAIN_POSTGRES_DATABASE"] = await postgres.CreateDatabaseAsync(),
                ["DEEPTRAIN_POSTGRES_USER"] = postgres.User,
                ["DEEPTRAIN_POSTGRES_PASSWORD"] = postgres.Password,
                ["DEEPTRAIN_REDIS_HOST"] = redis.Host,
                ["DEEPTRAIN_REDIS_PORT"] = $"{redis.Port}",
                ["DEEPTRAIN_METRICS_PORT"] = "0",
            };
            await SiloProcess.MigrateAsync(settings);
            return new(folder, slots, postgres, redis, settings);
        }

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            await redis.DisposeAsync();
            await postgres.DisposeAsync();
        }

        protected override async Task<(SiloProcess, SiloProcess?, (IPEndPoint, string))> StartSilosAsync()
        {
            // A cluster anew each time: how long it takes to find that silos are dead is another matter.
            var clusterId = $"bench-{++_starts}";
            var gateway = LoopbackPort.Free();
            var coordinator = await SiloProcess.StartAsync(Settings("coordinator", clusterId, gateway));
            var worker = _starts > 1 ? null : await SiloProcess.StartAsync(Settings("worker", clusterId, LoopbackPort.Free()));
            return (coordinator, worker, (new(IPAddress.Loopback, gateway), clusterId));
        }

        private Dictionary<string, string> Settings(string role, string clusterId, int gateway) => new(settings)
        {
            ["DEEPTRAIN_ROLE"] = role,
            ["DEEPTRAIN_DATA"] = Data,
            ["DEEPTRAIN_CLUSTER_ID"] = clusterId,
            ["DEEPTRAIN_SILO_NAME"] = role,
            ["DEEPTRAIN_SILO_PORT"] = $"{LoopbackPort.Free()}",
            ["DEEPTRAIN_GATEWAY_PORT"] = $"{gateway}",
            ["DEEPTRAIN_SLOTS"] = $"{Slots}",
        };
    }
}
