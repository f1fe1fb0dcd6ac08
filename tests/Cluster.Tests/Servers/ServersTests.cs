using DeepTrain.Cluster.Servers;
using Npgsql;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>That the servers and the faults which other tests rely on are what they say.</summary>
public sealed class ServersTests
{
    [Fact]
    public async Task Postgres_StoppedInEachWay_KeepsWhatWasCommitted()
    {
        await using var server = await PostgresServer.StartAsync();
        var database = await server.CreateDatabaseAsync();
        await Tell(server.Port, server, database, "CREATE TABLE numbers (number int)");
        var expected = 0L;
        foreach (var stop in (IEnumerable<Func<Task>>)[
            () => server.StopAsync(PostgresStop.Fast), () => server.StopAsync(PostgresStop.Immediate), server.KillAsync])
        {
            await Tell(server.Port, server, database, "INSERT INTO numbers VALUES (1)");
            await stop();
            await Assert.ThrowsAsync<NpgsqlException>(() => Tell(server.Port, server, database, "SELECT 1"));
            await server.StartAgainAsync();

            Assert.Equal(++expected, await Tell(server.Port, server, database, "SELECT count(*) FROM numbers"));
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("secret")]
    public async Task Redis_RestartedAndFlushed_KeepsAndForgets(string? password)
    {
        await using var server = await RedisServer.StartAsync(password);
        Assert.Equal("+OK", await server.CommandAsync("SET name value"));
        await server.KillAsync();
        await server.StartAgainAsync();
        Assert.Equal(":1", await server.CommandAsync("EXISTS name"));
        await server.RestartAsync();
        Assert.Equal(":1", await server.CommandAsync("EXISTS name"));

        await server.FlushAsync();

        Assert.Equal(":0", await server.CommandAsync("EXISTS name"));
    }

    [Fact]
    public async Task Proxy_CutAfterCommit_TheClientHearsNothingAndTheServerHasIt()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var proxy = new FaultProxy(server.Port);
        await Tell(proxy.Port, server, "postgres", "CREATE TABLE numbers (number int)");
        var cut = proxy.CutAfterCommit();

        await Assert.ThrowsAnyAsync<NpgsqlException>(async () =>
        {
            await using var connection = await OpenAsync(proxy.Port, server, "postgres");
            await using var transaction = await connection.BeginTransactionAsync();
            await using var command = new NpgsqlCommand("INSERT INTO numbers VALUES (1)", connection, transaction);
            await command.ExecuteNonQueryAsync();
            await transaction.CommitAsync();
        });

        await cut;
        Assert.Equal(1L, await Tell(proxy.Port, server, "postgres", "SELECT count(*) FROM numbers"));
    }

    [Fact]
    public async Task Proxy_StalledCutAndRefusing_DoesSoUntilItPassesAgain()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var proxy = new FaultProxy(server.Port);
        await using var connection = await OpenAsync(proxy.Port, server, "postgres");
        await using var command = new NpgsqlCommand("SELECT 1", connection);

        proxy.Stall();
        var stalled = command.ExecuteScalarAsync();
        Assert.False(stalled.IsCompleted);
        proxy.Pass();
        Assert.Equal(1, await stalled);

        proxy.Cut();
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => command.ExecuteScalarAsync());

        await proxy.RefuseAsync();
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => Tell(proxy.Port, server, "postgres", "SELECT 1"));
        proxy.Pass();
        Assert.Equal(1, await Tell(proxy.Port, server, "postgres", "SELECT 1"));
    }

    private static async Task<NpgsqlConnection> OpenAsync(int port, PostgresServer server, string database)
    {
        var settings = new NpgsqlConnectionStringBuilder(server.ConnectionString(database)) { Port = port };
        var connection = new NpgsqlConnection(settings.ConnectionString);
        await connection.OpenAsync();
        return connection;
    }

    private static async Task<object?> Tell(int port, PostgresServer server, string database, string sql)
    {
        await using var connection = await OpenAsync(port, server, database);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
