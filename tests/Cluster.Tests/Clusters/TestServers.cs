using DeepTrain.Cluster.Servers;

[assembly: AssemblyFixture(typeof(DeepTrain.Cluster.Cluster.Tests.SharedServers))]

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>A PostgreSQL, with an empty store in the newest schema to copy, and a Redis that asks for a password.</summary>
internal sealed class TestServers : IAsyncDisposable
{
    private string _migrated = "";

    private TestServers(PostgresServer postgres, RedisServer redis)
    {
        Postgres = postgres;
        Redis = redis;
    }

    public PostgresServer Postgres { get; }

    public RedisServer Redis { get; }

    /// <param name="start">Starts PostgreSQL where it is not to be as usual.</param>
    public static async Task<TestServers> StartAsync(Func<Task<PostgresServer>>? start = null)
    {
        var postgres = await (start?.Invoke() ?? PostgresServer.StartAsync());
        RedisServer? redis = null;
        try
        {
            redis = await RedisServer.StartAsync(password: Guid.NewGuid().ToString("N"));
            var servers = new TestServers(postgres, redis);
            servers._migrated = await postgres.CreateDatabaseAsync();
            using var migrate = DeepTrainProcess.Start(DeepTrainProcess.SiloProgram, Path.GetTempPath(), ["migrate"], servers.Settings(servers._migrated));
            (await migrate.WaitAsync()).Expect(0);
            return servers;
        }
        catch
        {
            await postgres.DisposeAsync();
            if (redis is not null)
                await redis.DisposeAsync();
            throw;
        }
    }

    /// <summary>Makes an empty store; returns how to reach it, and a membership of its own.</summary>
    public async Task<Dictionary<string, string>> CreateStoreAsync() => Settings(await Postgres.CreateDatabaseAsync(_migrated));

    public async ValueTask DisposeAsync()
    {
        await Postgres.DisposeAsync();
        await Redis.DisposeAsync();
    }

    private Dictionary<string, string> Settings(string database) => new()
    {
        ["DEEPTRAIN_POSTGRES_HOST"] = Postgres.Host,
        ["DEEPTRAIN_POSTGRES_PORT"] = $"{Postgres.Port}",
        ["DEEPTRAIN_POSTGRES_DATABASE"] = database,
        ["DEEPTRAIN_POSTGRES_USER"] = Postgres.User,
        ["DEEPTRAIN_POSTGRES_PASSWORD"] = Postgres.Password,
        ["DEEPTRAIN_REDIS_HOST"] = Redis.Host,
        ["DEEPTRAIN_REDIS_PORT"] = $"{Redis.Port}",
        ["DEEPTRAIN_REDIS_PASSWORD"] = Redis.Password!,
        ["DEEPTRAIN_CLUSTER_ID"] = database,
    };
}

/// <summary>The servers of all tests that leave them in peace; started by the first of these.</summary>
public sealed class SharedServers : IAsyncDisposable
{
    private static readonly Lazy<Task<TestServers>> Started = new(() => TestServers.StartAsync());

    internal static Task<TestServers> GetAsync() => Started.Value;

    public async ValueTask DisposeAsync()
    {
        if (Started.IsValueCreated && Started.Value.IsCompletedSuccessfully)
            await (await Started.Value).DisposeAsync();
    }
}
