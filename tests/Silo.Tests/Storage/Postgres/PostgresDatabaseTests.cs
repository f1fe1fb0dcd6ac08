using System.Diagnostics;
using System.Text.RegularExpressions;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Tests;
using DeepTrain.Cluster.Servers;
using DeepTrain.Cluster.Silo.Settings;
using DeepTrain.Cluster.Silo.Storage.Postgres;
using DeepTrain.Cluster.Silo.Storage.Sessions;
using DeepTrain.Cluster.Silo.Storage.Statements;
using DeepTrain.Cluster.Sweeps.Trials;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace DeepTrain.Cluster.Silo.Tests;

/// <summary>The database under a cluster's store: migrated by several at once, newer, older, away, silent, cut.</summary>
public sealed class PostgresDatabaseTests
{
    [Fact]
    public async Task Migrations_OfThisCode_MatchItsModel()
    {
        await using var connection = new NpgsqlConnection("Host=127.0.0.1");
        await using var context = PostgresDatabase.Context(connection);

        Assert.False(context.Database.HasPendingModelChanges(), "The model has changed: add a migration.");
    }

    [Fact]
    public async Task MigrateAsync_FourAtOnceAndAgain_IsMigratedOnce()
    {
        var settings = await SharedPostgres.CreateEmptyAsync();
        var unready = await Assert.ThrowsAsync<StoreException>(() => PostgresSweepStore.OpenAsync(settings, 1, TimeProvider.System, CancellationToken.None));
        Assert.Contains("silo migrate", unready.Message, StringComparison.Ordinal);
        Assert.StartsWith($"PostgreSQL at 127.0.0.1:{settings.Port}/{settings.Database}", unready.Message, StringComparison.Ordinal);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => PostgresDatabase.MigrateAsync(settings, CancellationToken.None))));
        await PostgresDatabase.MigrateAsync(settings, CancellationToken.None);

        await using var store = await PostgresSweepStore.OpenAsync(settings, 1, TimeProvider.System, CancellationToken.None);
        Assert.True(await store.CreateAsync("digits-1", 1, Sample.Sweep(1, 1)));
    }

    [Fact]
    public async Task MigrateAsync_KilledInTheMiddle_GoesOn()
    {
        var settings = await SharedPostgres.CreateEmptyAsync();
        for (var kill = 0; kill < 8; kill++)
        {
            // Somebody else holds what the migration needs, until it is killed while it waits.
            await using var holder = await OpenAsync(settings);
            await ExecuteAsync(holder, "BEGIN");
            await ExecuteAsync(holder, kill % 2 == 0
                ? "CREATE TABLE sweeps (key bigint)"
                : "CREATE TABLE leases (key bigint)");
            var migrating = PostgresDatabase.MigrateAsync(settings, CancellationToken.None);
            await Eventually.True(async () => await CountAsync(settings, """
                SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
                """) > 0, "the migration to wait");
            await ExecuteAsync(holder, """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'
                """);
            await Assert.ThrowsAsync<StoreException>(() => migrating);
            await ExecuteAsync(holder, "ROLLBACK");
        }

        await PostgresDatabase.MigrateAsync(settings, CancellationToken.None);

        await using var store = await PostgresSweepStore.OpenAsync(settings, 1, TimeProvider.System, CancellationToken.None);
        Assert.True(await store.CreateAsync("digits-1", 1, Sample.Sweep(1, 1)));
    }

    [Fact]
    public async Task MigrateOrOpenAsync_NewerDatabase_IsRefused()
    {
        await using var fixture = (PostgresFixture)await StoreFixture.CreateAsync(StoreKind.Postgres);
        await fixture.ExecuteAsync("INSERT INTO \"__EFMigrationsHistory\" VALUES ('99990101000000_FromTheFuture', '99.0.0')");

        var ofMigration = await Assert.ThrowsAsync<StoreException>(() => PostgresDatabase.MigrateAsync(fixture.Settings, CancellationToken.None));
        var ofStore = await Assert.ThrowsAsync<StoreException>(() => PostgresSweepStore.OpenAsync(fixture.Settings, 1, TimeProvider.System, CancellationToken.None));
        await using var reader = new PostgresSweepReader(fixture.Settings);
        var ofReader = await Assert.ThrowsAsync<StoreException>(() => reader.ListAsync(CancellationToken.None));

        Assert.All((string[])[ofMigration.Message, ofStore.Message, ofReader.Message],
            message => Assert.Contains("newer version", message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task OpenAsync_WrongPlaceOrPassword_SaysWhatIsWrongAndNeverThePassword()
    {
        var settings = await SharedPostgres.CreateEmptyAsync();
        (PostgresSettings Settings, string Says)[] wrong =
        [
            (settings with { Password = "sesame-open" }, "does not let the user"),
            (settings with { Password = null }, "asks for a password, and none is given. Set DEEPTRAIN_POSTGRES_PASSWORD"),
            (settings with { Database = "nowhere" }, "there is no database 'nowhere'"),
            (settings with { Port = LoopbackPort.Free() }, "cannot be reached"),
        ];
        foreach (var (mistaken, says) in wrong)
        {
            foreach (var attempt in (Func<Task>[])
            [
                () => PostgresSweepStore.OpenAsync(mistaken, 1, TimeProvider.System, CancellationToken.None),
                () => PostgresDatabase.MigrateAsync(mistaken, CancellationToken.None),
            ])
            {
                var error = await Assert.ThrowsAsync<StoreException>(attempt);
                Assert.Contains(says, error.Message, StringComparison.Ordinal);
                Assert.DoesNotContain(settings.Password!, error.ToString(), StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task AnyCall_ServerStopsAndIsBack_FailsAtOnceAndThenSucceeds()
    {
        await using var server = await PostgresServer.StartAsync();
        var settings = SharedPostgres.SettingsOf(server, await server.CreateDatabaseAsync());
        await PostgresDatabase.MigrateAsync(settings, CancellationToken.None);
        await using var store = await PostgresSweepStore.OpenAsync(settings, 1, TimeProvider.System, CancellationToken.None);
        Assert.True(await store.CreateAsync(Sample.SweepId, 1, Sample.Sweep(1, 2)));
        var coordinator = (await store.OpenAsync(Sample.SweepId))!.Coordinator;
        var leased = (await store.GrantAsync(coordinator, Sample.Request(2))).Trials;
        foreach (var how in Enum.GetValues<PostgresStop>())
        {
            await server.StopAsync(how);
            var begin = Stopwatch.GetTimestamp();
            // Each of the connections is found to be lost, and then to be refused.
            for (var time = 0; time < 2; time++)
            {
                await Assert.ThrowsAsync<StoreException>(() => store.WriteAsync([Sample.Epoch(leased[0], 1)]));
                await Assert.ThrowsAsync<StoreException>(() => store.RenewAsync(coordinator, [], Sample.LeaseTime));
                await Assert.ThrowsAsync<StoreException>(() => store.Reader.ListAsync(CancellationToken.None));
            }
            // Not one of them waited for its time-out of ten seconds.
            Assert.InRange(Stopwatch.GetElapsedTime(begin), TimeSpan.Zero, TimeSpan.FromSeconds(10));

            await server.StartAgainAsync();

            Assert.NotEqual(WriteVerdict.Refused, (await store.WriteAsync([Sample.Epoch(leased[0], 1)]))[0]);
            await store.RenewAsync(coordinator, [], Sample.LeaseTime);
            Assert.Equal(2, (await store.Reader.FindAsync(Sample.SweepId, CancellationToken.None))!.Leased);
        }
    }

    [Fact]
    public async Task AnyCall_ServerIsSilent_FailsWithinItsTimeHoweverManyWait()
    {
        var fixture = (PostgresFixture)await StoreFixture.CreateAsync(StoreKind.Postgres);
        await using var owned = fixture;
        await using var proxy = new FaultProxy(fixture.Settings.Port);
        await using var store = await PostgresSweepStore.OpenAsync(fixture.Settings with { Port = proxy.Port }, 2, TimeProvider.System, CancellationToken.None);
        Assert.True(await store.CreateAsync(Sample.SweepId, 1, Sample.Sweep(1, 2)));
        var coordinator = (await store.OpenAsync(Sample.SweepId))!.Coordinator;
        var leased = (await store.GrantAsync(coordinator, Sample.Request(2))).Trials;
        await store.WriteAsync([Sample.Epoch(leased[0], 1)]);

        proxy.Stall();
        var begin = Stopwatch.GetTimestamp();
        var calls = Enumerable.Range(0, 20).Select(_ => (Task)store.RenewAsync(coordinator, [], Sample.LeaseTime))
            .Append(store.WriteAsync([Sample.Epoch(leased[0], 2)]))
            .Append(store.Reader.ListAsync(CancellationToken.None)).ToList();
        foreach (var call in calls)
            await Assert.ThrowsAsync<StoreException>(() => call);
        var waited = Stopwatch.GetElapsedTime(begin);
        proxy.Pass();

        // The first calls have their full time, and those behind them at most as much again; one after the other they would take minutes.
        Assert.InRange(waited, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(90));
        Assert.Equal([WriteVerdict.Accepted], await store.WriteAsync([Sample.Epoch(leased[1], 1)]));
        Assert.Equal(2, (await store.Reader.FindAsync(Sample.SweepId, CancellationToken.None))!.Leased);
    }

    [Fact]
    public async Task Call_CoordinatorFrozenInItsTransaction_HoldsTheSweepForSecondsOnly()
    {
        var fixture = (PostgresFixture)await StoreFixture.CreateAsync(StoreKind.Postgres);
        await using var owned = fixture;
        Assert.True(await fixture.Store.CreateAsync(Sample.SweepId, 1, Sample.Sweep(1, 2)));
        await using var proxy = new FaultProxy(fixture.Settings.Port);
        await using var frozen = await PostgresSweepStore.OpenAsync(fixture.Settings with { Port = proxy.Port }, 1, TimeProvider.System, CancellationToken.None);
        var coordinator = (await frozen.OpenAsync(Sample.SweepId))!.Coordinator;
        // It has locked the sweep's row, and says nothing more.
        var stalled = new TaskCompletionSource();
        _ = proxy.LoseAnswerTo(sent =>
        {
            if (!stalled.Task.IsCompleted && sent.Span.IndexOf("FROM sweeps WHERE id"u8) >= 0)
            {
                proxy.Stall();
                stalled.SetResult();
            }
            return false;
        });
        var lost = frozen.GrantAsync(coordinator, Sample.Request(1));
        await stalled.Task;

        var begin = Stopwatch.GetTimestamp();
        var opened = await fixture.Store.OpenAsync(Sample.SweepId);

        Assert.NotNull(opened);
        Assert.InRange(Stopwatch.GetElapsedTime(begin), TimeSpan.Zero, TimeSpan.FromSeconds(20));
        proxy.Pass();
        await Assert.ThrowsAnyAsync<Exception>(() => lost);
        await Assert.ThrowsAsync<CoordinatorReplacedException>(() => frozen.GrantAsync(coordinator, Sample.Request(1)));
        Assert.Equal(2, (await fixture.OverviewAsync()).Waiting);
    }

    [Fact]
    public async Task WriteAsync_TextThatNoDatabaseTakes_IsStoredWithoutIt()
    {
        foreach (var kind in Enum.GetValues<StoreKind>())
        {
            var (fixture, coordinator) = await StoreFixture.CreateAsync(kind, Sample.Sweep(1, 1));
            await using var owned = fixture;
            var leased = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));
            var failure = new Failure(FailureClass.CodeError, "a\0b") { Log = "c\0d\uD800e" };

            Assert.Equal([WriteVerdict.Accepted], await fixture.Store.WriteAsync(
                [new(new(leased.Trial, 0, double.NaN, double.NaN, double.NaN, 0, 0, new(Outcome.Failed, Failure: failure)), leased.Fence)]));

            Assert.Equal(new Failure(FailureClass.CodeError, "a\uFFFDb") { Log = "c\uFFFDd\uFFFDe" },
                Assert.Single(await fixture.ResultsAsync()).Failure);
        }
    }

    [Fact]
    public async Task Grant_ManyWaitingTrials_FollowsIndexesWithoutSortingThem()
    {
        var (fixture, coordinator) = await StoreFixture.CreateAsync(StoreKind.Postgres, Sample.Sweep(20, 50));
        await using var owned = fixture;
        await fixture.GrantAsync(coordinator, Sample.Request(10));
        using var link = new PostgresLink(((PostgresFixture)fixture).Settings);

        foreach (var sql in (Sql[])[LeaseStatements.NextHead, LeaseStatements.GrantMembers])
        {
            var plan = Explain(link.Open(), sql.For(PostgresDialect.Instance));
            Assert.Contains("Index Scan using ix_trials_waiting", plan, StringComparison.Ordinal);
            Assert.DoesNotContain("Bitmap", plan, StringComparison.Ordinal);
            Assert.DoesNotContain("Seq Scan", plan, StringComparison.Ordinal);
            // Those chosen are locked in the order of their keys; those that wait are in theirs.
            Assert.DoesNotMatch("Sort Key:.*replicate", plan);
        }
    }

    private static async Task<NpgsqlConnection> OpenAsync(PostgresSettings settings)
    {
        var connection = new NpgsqlConnection(PostgresDatabase.ConnectionString(settings, pooled: false));
        await connection.OpenAsync();
        return connection;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<long> CountAsync(PostgresSettings settings, string sql)
    {
        await using var connection = await OpenAsync(settings);
        await using var command = new NpgsqlCommand(sql, connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>The plan that serves whatever the values are.</summary>
    private static string Explain(Session session, string sql)
    {
        var names = Regex.Matches(sql, "@[a-zA-Z]+").Select(match => match.Value).Distinct().ToList();
        session.Execute(new($"PREPARE asked AS {Regex.Replace(sql, "@[a-zA-Z]+", match => $"${names.IndexOf(match.Value) + 1}")}"));
        var plan = session.Query(new($"EXPLAIN EXECUTE asked ({string.Join(", ", names.Select(_ => "NULL"))})"), row => row.GetString(0));
        session.Execute(new("DEALLOCATE asked"));
        return string.Join(Environment.NewLine, plan);
    }
}
