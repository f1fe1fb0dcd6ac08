using DeepTrain.Cluster.Servers;
using DeepTrain.Cluster.Silo.Settings;
using DeepTrain.Cluster.Silo.Storage.Postgres;
using Npgsql;

[assembly: AssemblyFixture(typeof(DeepTrain.Cluster.Silo.Tests.SharedPostgres))]

namespace DeepTrain.Cluster.Silo.Tests;

/// <summary>One server for all tests that need no more than a database of their own; started by the first of them.</summary>
public sealed class SharedPostgres : IAsyncDisposable
{
    private const string Template = "migrated";

    private static readonly Lazy<Task<PostgresServer>> Started = new(StartAsync);
    private static int _databases;

    /// <summary>A database with this program's schema, copied from one that was migrated.</summary>
    internal static async Task<PostgresSettings> CreateStoreAsync()
    {
        var server = await ServerAsync();
        var name = $"store{Interlocked.Increment(ref _databases)}";
        await ExecuteAsync(server, $"CREATE DATABASE {name} TEMPLATE {Template}");
        return SettingsOf(server, name);
    }

    /// <summary>An empty database.</summary>
    internal static async Task<PostgresSettings> CreateEmptyAsync()
    {
        var server = await ServerAsync();
        return SettingsOf(server, await server.CreateDatabaseAsync());
    }

    internal static PostgresSettings SettingsOf(PostgresServer server, string database) =>
        new(server.Host, server.Port, database, server.User, server.Password, PostgresTls.Disable, null);

    public async ValueTask DisposeAsync()
    {
        if (Started.IsValueCreated && Started.Value.IsCompletedSuccessfully)
            await (await Started.Value).DisposeAsync();
    }

    private static Task<PostgresServer> ServerAsync()
    {
        PostgresServer.SkipWhereMissing();
        return Started.Value;
    }

    private static async Task<PostgresServer> StartAsync()
    {
        var server = await PostgresServer.StartAsync();
        await ExecuteAsync(server, $"CREATE DATABASE {Template}");
        await PostgresDatabase.MigrateAsync(SettingsOf(server, Template), CancellationToken.None);
        return server;
    }

    private static async Task ExecuteAsync(PostgresServer server, string sql)
    {
        await using var connection = new NpgsqlConnection(server.ConnectionString("postgres"));
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }
}
