using DeepTrain.Cluster.Servers;

namespace DeepTrain.Cluster.Deploy.Tests;

/// <summary>How pods reach the servers of the tests, in place of those of their overlay.</summary>
/// <param name="Variables">Where they are.</param>
/// <param name="Secrets">The files of each secret.</param>
internal sealed record Stores(IReadOnlyDictionary<string, string> Variables, IReadOnlyDictionary<string, Dictionary<string, string>> Secrets)
{
    /// <summary>None that anybody reaches.</summary>
    public static Stores None { get; } = new(new Dictionary<string, string>(), Passwords("secret", "secret"));

    public static Dictionary<string, Dictionary<string, string>> Passwords(string postgres, string redis) => new()
    {
        ["deeptrain-postgres"] = new() { ["password"] = postgres, ["ca.crt"] = "" },
        ["deeptrain-redis"] = new() { ["password"] = redis, ["ca.crt"] = "" },
    };
}

/// <summary>A PostgreSQL and a Redis as an overlay needs them; started by the first test that does.</summary>
public sealed class TrialServers : IAsyncDisposable
{
    private readonly Lazy<Task<(PostgresServer, RedisServer)>> _started = new(StartAsync);

    /// <summary>Makes a database that is empty, and the caller's own.</summary>
    internal async Task<Stores> CreateStoreAsync()
    {
        var (postgres, redis) = await _started.Value;
        var database = await postgres.CreateDatabaseAsync();
        return new(new Dictionary<string, string>
        {
            ["DEEPTRAIN_POSTGRES_HOST"] = postgres.Host,
            ["DEEPTRAIN_POSTGRES_PORT"] = $"{postgres.Port}",
            ["DEEPTRAIN_POSTGRES_DATABASE"] = database,
            ["DEEPTRAIN_REDIS_HOST"] = redis.Host,
            ["DEEPTRAIN_REDIS_PORT"] = $"{redis.Port}",
            ["DEEPTRAIN_CLUSTER_ID"] = database,
        }, Stores.Passwords(postgres.Password, redis.Password!));
    }

    public async ValueTask DisposeAsync()
    {
        if (!_started.IsValueCreated || !_started.Value.IsCompletedSuccessfully)
            return;
        var (postgres, redis) = await _started.Value;
        await postgres.DisposeAsync();
        await redis.DisposeAsync();
    }

    private static async Task<(PostgresServer, RedisServer)> StartAsync()
    {
        RedisServer.SkipWhereMissing();
        return (await PostgresServer.StartAsync(), await RedisServer.StartAsync(password: Guid.NewGuid().ToString("N")));
    }
}
