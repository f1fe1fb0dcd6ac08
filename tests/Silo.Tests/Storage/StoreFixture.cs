using System.Collections.Immutable;
using System.Text.RegularExpressions;
using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Sweeps;
using Microsoft.Extensions.Time.Testing;

namespace DeepTrain.Cluster.Silo.Tests;

/// <summary>A store in a folder of its own, with a clock that the test moves.</summary>
internal sealed class StoreFixture : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public string Path => _folder["sweeps.db"];

    public SqliteSweepStore Store { get; private set; } = null!;

    public static async Task<StoreFixture> CreateAsync()
    {
        var fixture = new StoreFixture();
        fixture.Store = await SqliteSweepStore.OpenAsync(fixture.Path, fixture.Time);
        return fixture;
    }

    /// <summary>A store with one sweep, opened by its coordinator.</summary>
    public static async Task<(StoreFixture Fixture, Coordinator Coordinator)> CreateAsync(Sweep sweep)
    {
        var fixture = await CreateAsync();
        Assert.True(await fixture.Store.CreateAsync(Sample.SweepId, 1, sweep));
        return (fixture, (await fixture.Store.OpenAsync(Sample.SweepId))!.Coordinator);
    }

    public async Task ReopenAsync()
    {
        await Store.DisposeAsync();
        Store = await SqliteSweepStore.OpenAsync(Path, Time);
    }

    public async Task<SweepOverview> OverviewAsync(string id = Sample.SweepId) => (await Store.FindAsync(id, CancellationToken.None))!;

    public Task<ImmutableArray<TrialResult>> ResultsAsync(string id = Sample.SweepId) => Store.ReadResultsAsync(id, CancellationToken.None);

    public async Task<ImmutableArray<LeasedTrial>> GrantAsync(Coordinator coordinator, GrantRequest request) =>
        (await Store.GrantAsync(coordinator, request)).Trials;

    /// <summary>The first column of the first row, over the store's own connection.</summary>
    public Task<T> QueryAsync<T>(string sql) => Store.Writer.RunAsync(session =>
    {
        using var command = session.Connection.CreateCommand();
        command.CommandText = sql;
        return (T)command.ExecuteScalar()!;
    });

    /// <summary>The steps of a statement's query plan.</summary>
    public Task<string[]> ExplainAsync(string sql) => Store.Writer.RunAsync(session =>
    {
        using var command = session.Connection.CreateCommand();
        command.CommandText = $"EXPLAIN QUERY PLAN {sql}";
        foreach (var name in Regex.Matches(sql, "@[a-zA-Z]+").Select(match => match.Value).Distinct())
            command.Parameters.AddWithValue(name, 1);
        using var reader = command.ExecuteReader();
        var steps = new List<string>();
        while (reader.Read())
            steps.Add(reader.GetString(3));
        return steps.ToArray();
    });

    public Task ExecuteAsync(string sql) => Store.Writer.RunAsync(session => session.Execute(sql));

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        _folder.Dispose();
    }
}
