using System.Collections.Immutable;
using System.Data.Common;
using System.Text.RegularExpressions;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Settings;
using DeepTrain.Cluster.Silo.Storage;
using DeepTrain.Cluster.Silo.Storage.Postgres;
using DeepTrain.Cluster.Silo.Storage.Sessions;
using DeepTrain.Cluster.Silo.Storage.Sqlite;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Spec;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace DeepTrain.Cluster.Silo.Tests;

public enum StoreKind
{
    Sqlite,
    Postgres,
}

/// <summary>A store of its own, whose time the test lets pass.</summary>
internal abstract class StoreFixture : IAsyncDisposable
{
    private static readonly DateTimeOffset Begin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public SweepStore Store { get; protected set; } = null!;

    /// <summary>The time as the test has let it pass; PostgreSQL's own passes as well, so that only whole seconds count.</summary>
    public DateTimeOffset Now { get; private set; } = Begin;

    public static async Task<SqliteFixture> CreateAsync() => (SqliteFixture)await CreateAsync(StoreKind.Sqlite);

    public static async Task<StoreFixture> CreateAsync(StoreKind kind)
    {
        StoreFixture fixture = kind is StoreKind.Sqlite
            ? new SqliteFixture(new FakeTimeProvider(Begin))
            : new PostgresFixture(await SharedPostgres.CreateStoreAsync());
        await fixture.OpenAsync();
        return fixture;
    }

    /// <summary>A store with one sweep, opened by its coordinator.</summary>
    public static async Task<(SqliteFixture Fixture, Coordinator Coordinator)> CreateAsync(Sweep sweep)
    {
        var (fixture, coordinator) = await CreateAsync(StoreKind.Sqlite, sweep);
        return ((SqliteFixture)fixture, coordinator);
    }

    public static async Task<(StoreFixture Fixture, Coordinator Coordinator)> CreateAsync(StoreKind kind, Sweep sweep)
    {
        var fixture = await CreateAsync(kind);
        Assert.True(await fixture.Store.CreateAsync(Sample.SweepId, 1, sweep));
        return (fixture, (await fixture.Store.OpenAsync(Sample.SweepId))!.Coordinator);
    }

    public async Task ReopenAsync()
    {
        await Store.DisposeAsync();
        await OpenAsync();
    }

    public async Task PassAsync(TimeSpan time)
    {
        Now += time;
        await MoveAsync(time);
    }

    public abstract void AssertNow(DateTimeOffset? stored);

    /// <summary>How a sweep stands, which a coordinator must count alike.</summary>
    public async Task<SweepOverview> OverviewAsync(string id = Sample.SweepId)
    {
        var overview = (await Store.Reader.FindAsync(id, CancellationToken.None))!;
        var counts = await Store.Reader.CountAsync(id);
        Assert.Equal((overview.Waiting, overview.Leased, overview.ByOutcome.Values.Sum()), (counts.Waiting, counts.Leased, counts.Ended));
        return overview;
    }

    /// <summary>What has ended, which a coordinator must read alike.</summary>
    public async Task<ImmutableArray<TrialResult>> ResultsAsync(string id = Sample.SweepId)
    {
        var results = await Store.Reader.ReadResultsAsync(id, CancellationToken.None);
        Assert.Equal(
            results.Select(result => new EndedTrial(result.Trial.Cell, result.Trial.Replicate, result.Outcome,
                result.TrainLoss, result.ValidationLoss, result.ValidationAccuracy, result.AilmentsEnd)).ToHashSet(),
            [.. await Store.Reader.ReadEndedAsync(id)]);
        return results;
    }

    public async Task<ImmutableArray<LeasedTrial>> GrantAsync(Coordinator coordinator, GrantRequest request) =>
        (await Store.GrantAsync(coordinator, request)).Trials;

    /// <summary>The first column of the first row.</summary>
    public async Task<T> QueryAsync<T>(string sql) => (await RowsAsync(sql, row => row.GetFieldValue<T>(0)))[0];

    /// <summary>The first column of all rows, with bars between.</summary>
    public async Task<string> LinesAsync(string sql) => string.Join('|', await RowsAsync(sql, row => row.GetString(0)));

    public Task ExecuteAsync(string sql) => RowsAsync(sql, _ => 0);

    public virtual async ValueTask DisposeAsync() => await Store.DisposeAsync();

    protected abstract Task OpenAsync();

    protected abstract Task MoveAsync(TimeSpan time);

    protected abstract Task<List<T>> RowsAsync<T>(string sql, Func<DbDataReader, T> read);

    protected static List<T> Rows<T>(DbConnection connection, string sql, Func<DbDataReader, T> read)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
            rows.Add(read(reader));
        return rows;
    }
}

/// <summary>In a folder of its own, with a clock that the test moves.</summary>
internal sealed class SqliteFixture(FakeTimeProvider time) : StoreFixture
{
    private readonly TemporaryFolder _folder = new();

    public FakeTimeProvider Time => time;

    public string Path => _folder["sweeps.db"];

    public TransactionThreads Writer => ((SqliteSweepStore)Store).Writer;

    public override void AssertNow(DateTimeOffset? stored) => Assert.Equal(Now, stored);

    /// <summary>The steps of a statement's query plan.</summary>
    public Task<string[]> ExplainAsync(Sql statement) => Writer.RunAsync(session =>
    {
        var sql = statement.For(session.Dialect);
        using var command = session.Connection.CreateCommand();
        command.CommandText = $"EXPLAIN QUERY PLAN {sql}";
        foreach (var name in Regex.Matches(sql, "@[a-zA-Z]+").Select(match => match.Value).Distinct())
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, 1);
            command.Parameters.Add(parameter);
        }
        using var reader = command.ExecuteReader();
        var steps = new List<string>();
        while (reader.Read())
            steps.Add(reader.GetString(3));
        return steps.ToArray();
    });

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }

    protected override async Task OpenAsync() => Store = await SqliteSweepStore.OpenAsync(Path, time);

    protected override Task MoveAsync(TimeSpan passed)
    {
        time.Advance(passed);
        return Task.CompletedTask;
    }

    protected override Task<List<T>> RowsAsync<T>(string sql, Func<DbDataReader, T> read) =>
        Writer.RunAsync(session => Rows(session.Connection, sql, read));
}

/// <summary>In a database of its own; its clock cannot be moved, so that what is stored is.</summary>
internal sealed class PostgresFixture(PostgresSettings settings) : StoreFixture
{
    public PostgresSettings Settings => settings;

    public override void AssertNow(DateTimeOffset? stored) =>
        Assert.InRange(stored!.Value, DateTimeOffset.UtcNow - TimeSpan.FromMinutes(1), DateTimeOffset.UtcNow + TimeSpan.FromMinutes(1));

    protected override async Task OpenAsync() => Store = await PostgresSweepStore.OpenAsync(settings, 2, TimeProvider.System, CancellationToken.None);

    protected override Task MoveAsync(TimeSpan passed) => ExecuteAsync($"""
        UPDATE leases SET expires = expires - {(long)passed.TotalMilliseconds};
        UPDATE trials SET retry_at = retry_at - {(long)passed.TotalMilliseconds};
        """);

    protected override async Task<List<T>> RowsAsync<T>(string sql, Func<DbDataReader, T> read)
    {
        await using var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(PostgresDatabase.ConnectionString(settings, pooled: false)) { ApplicationName = "test" }.ToString());
        await connection.OpenAsync();
        return Rows(connection, sql, read);
    }
}

/// <summary>Tests that hold for every store.</summary>
public abstract class StoreTests(StoreKind kind)
{
    internal Task<StoreFixture> CreateAsync() => StoreFixture.CreateAsync(kind);

    /// <summary>A store with one sweep, opened by its coordinator.</summary>
    internal Task<(StoreFixture Fixture, Coordinator Coordinator)> CreateAsync(Sweep sweep) => StoreFixture.CreateAsync(kind, sweep);
}
