using System.Net;
using System.Security.Cryptography;
using DeepTrain.Cluster.Grains.Roles;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Settings;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using Orleans.Serialization;
using StackExchange.Redis;

namespace DeepTrain.Cluster.Silo.Hosting;

/// <summary>How silos and clients of a cluster find each other: through a table in Redis.</summary>
public static class Membership
{
    private static readonly TimeSpan ConnectTime = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan ProbeLife = TimeSpan.FromMinutes(1);

    /// <summary>The disk is full, there are too few replicas, the server is a replica, or memory is full.</summary>
    private static readonly string[] WriteRefusals = ["MISCONF", "NOREPLICAS", "READONLY", "OOM"];

    /// <summary>
    /// Silos compare times that others wrote into the table with their own clocks. Within this tolerance a silo is not wrongly declared
    /// dead; dead silos are detected by probes, which need no clock.
    /// </summary>
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(6);

    public static IClientBuilder UseMembership(this IClientBuilder client, ClusterServers servers) => client
        .Configure<ExceptionSerializationOptions>(LetPass)
        .Configure<ClusterOptions>(options => Name(options, servers))
        .UseRedisClustering(options => options.ConfigurationOptions = Connection(servers.Redis));

    internal static ISiloBuilder UseMembership(this ISiloBuilder silo, SiloSettings settings, ClusterServers servers) => silo
        .Configure<ExceptionSerializationOptions>(LetPass)
        .Configure<ClusterOptions>(options => Name(options, servers))
        .Configure<SiloOptions>(options => options.SiloName = settings.SiloName)
        .Configure<ClusterMembershipOptions>(options =>
        {
            options.ProbeTimeout = settings.ProbeTimeout;
            options.NumMissedTableIAmAliveLimit = (int)(ClockTolerance / options.IAmAliveTablePublishTimeout);
            options.MaxJoinAttemptTime = 2 * ClockTolerance;
        })
        // A grain that does not end in time must leave enough of the grace period for writing checkpoints.
        .Configure<GrainCollectionOptions>(options => options.DeactivationTimeout = settings.Grace / 2)
        .Configure<GrainTypeOptions>(options => GrainRoles.Restrict(
            options, settings.Role.HasFlag(SiloRole.Coordinator), settings.Role.HasFlag(SiloRole.Worker)))
        .ConfigureEndpoints(settings.Address, settings.SiloPort, settings.GatewayPort)
        .UseRedisClustering(options => options.ConfigurationOptions = Connection(servers.Redis));

    /// <exception cref="StoreException">Redis does not answer, or refuses. Orleans would retry for minutes and report less.</exception>
    public static Task CheckAsync(RedisSettings redis) => CheckAsync(redis, database => database.PingAsync());

    /// <exception cref="StoreException">As for clients; or Redis refuses writes, for example because its disk is full.</exception>
    internal static Task CheckWritableAsync(ClusterServers servers) => CheckAsync(servers.Redis, database =>
        // Under the same prefix as the members' key: a Redis user may be limited to the keys of the service.
        database.StringSetAsync($"{servers.ServiceId}/writable/{servers.ClusterId}", "", ProbeLife));

    private static async Task CheckAsync(RedisSettings redis, Func<IDatabase, Task> probe)
    {
        try
        {
            var connection = Connection(redis);
            connection.AbortOnConnectFail = true;
            await using var multiplexer = await ConnectionMultiplexer.ConnectAsync(connection);
            await probe(multiplexer.GetDatabase());
        }
        catch (RedisServerException error) when (WriteRefusals.Any(refusal => error.Message.StartsWith(refusal, StringComparison.Ordinal)))
        {
            throw new StoreException(
                $"Redis at {redis} answers, but does not write: {error.Message.TrimEnd('.')}. See 'redis-cli info persistence' and 'info replication'.", error);
        }
        catch (Exception error) when (error is RedisException or RedisTimeoutException or CryptographicException)
        {
            // Leaves out the message's advice, which is for programmers.
            var reason = error.Message.Split(" To allow this multiplexer")[0].TrimEnd('.');
            throw new StoreException($"Redis at {redis}: {reason}. Check redis.host, redis.port, password and TLS.", error);
        }
    }

    /// <summary>Lets callers receive a coordinator's exceptions, which Orleans would otherwise not serialize.</summary>
    private static void LetPass(ExceptionSerializationOptions options) =>
        options.SupportedNamespacePrefixes.UnionWith(["DeepTrain", "Npgsql", "StackExchange"]);

    private static void Name(ClusterOptions options, ClusterServers servers)
    {
        options.ClusterId = servers.ClusterId;
        options.ServiceId = servers.ServiceId;
    }

    private static ConfigurationOptions Connection(RedisSettings redis)
    {
        var options = new ConfigurationOptions
        {
            EndPoints = { { redis.Host, redis.Port } },
            User = redis.User,
            Password = redis.Password,
            Ssl = redis.Tls,
            SslHost = redis.Tls && !IPAddress.TryParse(redis.Host, out _) ? redis.Host : null,
            // A server that is temporarily unavailable is waited for.
            AbortOnConnectFail = false,
            ConnectTimeout = (int)ConnectTime.TotalMilliseconds,
        };
        if (redis is { Tls: true, RootCertificate: { } authority })
            options.TrustIssuer(authority);
        return options;
    }
}
