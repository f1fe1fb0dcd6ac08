using System.Runtime.Versioning;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Storage.Sessions;
using DeepTrain.Cluster.Silo.Storage.Sqlite;
using DeepTrain.Cluster.Silo.Storage.Statements;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Trials;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace DeepTrain.Cluster.Silo.Tests;

/// <summary>The file under the store: created, half created, damaged, newer, read beside its owner, out of space.</summary>
public sealed class StoreDatabaseTests
{
    [Fact]
    public async Task Migrations_OfThisCode_MatchItsModel()
    {
        await using var connection = new SqliteConnection("Data Source=:memory:");
        await using var context = SqliteDatabase.Context(connection);

        Assert.False(context.Database.HasPendingModelChanges(), "The model has changed: add a migration.");
    }

    [Fact]
    public async Task OpenAsync_Connection_IsDurableAndChecked()
    {
        await using var fixture = await StoreFixture.CreateAsync();

        Assert.Equal("wal", await fixture.QueryAsync<string>("PRAGMA journal_mode"));
        Assert.Equal(2L, await fixture.QueryAsync<long>("PRAGMA synchronous"));
        Assert.Equal(1L, await fixture.QueryAsync<long>("PRAGMA foreign_keys"));
        Assert.Equal(5000L, await fixture.QueryAsync<long>("PRAGMA busy_timeout"));
    }

    // What a process leaves that was killed while it created the database.
    [Theory]
    [InlineData(null)]
    [InlineData("PRAGMA journal_mode = WAL;")]
    [InlineData("""
        CREATE TABLE "__EFMigrationsLock" ("Id" INTEGER NOT NULL CONSTRAINT "PK___EFMigrationsLock" PRIMARY KEY, "Timestamp" TEXT NOT NULL);
        INSERT INTO "__EFMigrationsLock" VALUES (1, '2026-01-01 00:00:00');
        """)]
    [InlineData("""
        CREATE TABLE "__EFMigrationsLock" ("Id" INTEGER NOT NULL CONSTRAINT "PK___EFMigrationsLock" PRIMARY KEY, "Timestamp" TEXT NOT NULL);
        INSERT INTO "__EFMigrationsLock" VALUES (1, '2026-01-01 00:00:00');
        CREATE TABLE "__EFMigrationsHistory" (
            "MigrationId" TEXT NOT NULL CONSTRAINT "PK___EFMigrationsHistory" PRIMARY KEY, "ProductVersion" TEXT NOT NULL);
        """)]
    public async Task OpenAsync_HalfCreated_IsCompleted(string? left)
    {
        using var folder = new TemporaryFolder();
        var path = folder["sweeps.db"];
        if (left is null)
            await File.WriteAllBytesAsync(path, []);
        else
            Execute(path, left);
        // Meanwhile others read it as what it is: empty.
        Assert.Empty(await new SqliteSweepReader(path).ListAsync(CancellationToken.None));

        // Twice: what the first leaves must be good as well.
        for (var time = 0; time < 2; time++)
        {
            await using var store = await SqliteSweepStore.OpenAsync(path, TimeProvider.System).WaitAsync(TimeSpan.FromSeconds(60));
            Assert.True(await store.CreateAsync($"digits-{time}", time, Sample.Sweep(1, 1)));
        }
        Assert.Equal(2, (await new SqliteSweepReader(path).ListAsync(CancellationToken.None)).Length);
    }

    [Fact]
    public async Task OpenAsync_MigrationLockLeftInAFullDatabase_KeepsItsSweeps()
    {
        var (fixture, _) = await StoreFixture.CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        await fixture.ExecuteAsync("INSERT INTO __EFMigrationsLock VALUES (1, '2026-01-01 00:00:00')");

        await fixture.ReopenAsync().WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Equal(1, (await fixture.OverviewAsync()).Total);
    }

    [Fact]
    public async Task OpenAsync_DatabaseOfAnOlderVersion_IsBroughtUpToDateAndKeepsItsEpochs()
    {
        using var folder = new TemporaryFolder();
        var path = folder["sweeps.db"];
        await using (var connection = new SqliteConnection($"Data Source={path};Pooling=False"))
        {
            await connection.OpenAsync();
            await using var context = SqliteDatabase.Context(connection);
            await context.GetService<IMigrator>().MigrateAsync(context.Database.GetMigrations().First());
        }
        Execute(path, """
            INSERT INTO sweeps VALUES (1, 'digits-1', 'digits', 1, 'Running', 0, NULL, 1, '', '', '');
            INSERT INTO cells (key, sweep, id, position, configuration, fusion_key, active) VALUES (1, 1, '0123456789abcdef', 0, '{}', 'k', 1);
            INSERT INTO trials (key, sweep, cell, replicate, position, fusion_key, active, fence, attempt, epochs, seconds)
            VALUES (1, 1, 1, 1, 0, 'k', 1, 7, 1, 0, 0);
            INSERT INTO epochs VALUES (1, 1, 7, 0.5, 0.25, 0.75, 3), (1, 2, 7, NULL, NULL, NULL, 4);
            """);
        var ofReader = await Assert.ThrowsAsync<StoreException>(() => new SqliteSweepReader(path).ListAsync(CancellationToken.None));
        Assert.Contains("older version", ofReader.Message, StringComparison.Ordinal);

        await using var store = await SqliteSweepStore.OpenAsync(path, TimeProvider.System);

        Assert.Equal(3, await store.Writer.RunAsync(session => session.First(new("SELECT max_attempts FROM sweeps"), row => row.GetInt32(0))));
        var trial = new TrialId("digits-1", "0123456789abcdef", 1);
        Assert.Equal(
            [new(1, 7, 0.5, 0.25, 0.75, 3, null), new EpochResult(2, 7, null, null, null, 4, null)],
            await store.Reader.ReadEpochsAsync(trial, CancellationToken.None));
        Assert.Equal([WriteVerdict.Accepted, WriteVerdict.Invalid], await store.WriteAsync(
        [
            new(new(trial, 3, 1, 1, 1, 1, 1, null), 7), new(new(trial, -1, 1, 1, 1, 1, 1, null), 7),
        ]));
        Assert.Equal("ok", await store.Writer.RunAsync(session => session.First(new("SELECT 1 FROM pragma_foreign_key_check"), row => 1) is null ? "ok" : "broken"));
    }

    [Fact]
    public async Task OpenAsync_NewerDatabase_IsRefused()
    {
        using var folder = new TemporaryFolder();
        var path = folder["sweeps.db"];
        await (await SqliteSweepStore.OpenAsync(path, TimeProvider.System)).DisposeAsync();
        Execute(path, "INSERT INTO __EFMigrationsHistory VALUES ('99990101000000_FromTheFuture', '99.0.0')");

        var ofStore = await Assert.ThrowsAsync<StoreException>(() => SqliteSweepStore.OpenAsync(path, TimeProvider.System));
        var ofReader = await Assert.ThrowsAsync<StoreException>(() => new SqliteSweepReader(path).ListAsync(CancellationToken.None));

        Assert.All((string[])[ofStore.Message, ofReader.Message], message =>
        {
            Assert.StartsWith(path, message, StringComparison.Ordinal);
            Assert.Contains("newer version", message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task OpenAsync_NoDatabase_IsRefusedAndLeftAsItIs()
    {
        using var folder = new TemporaryFolder();
        var path = folder["sweeps.db"];
        var text = string.Join('\n', Enumerable.Repeat("name: not-a-database", 1000));
        await File.WriteAllTextAsync(path, text);

        var ofStore = await Assert.ThrowsAsync<StoreException>(() => SqliteSweepStore.OpenAsync(path, TimeProvider.System));
        var ofReader = await Assert.ThrowsAsync<StoreException>(() => new SqliteSweepReader(path).ListAsync(CancellationToken.None));

        Assert.All((string[])[ofStore.Message, ofReader.Message], message =>
        {
            Assert.StartsWith(path, message, StringComparison.Ordinal);
            Assert.Contains("no SQLite database", message, StringComparison.Ordinal);
        });
        Assert.Equal(text, await File.ReadAllTextAsync(path));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OpenAsync_Damaged_IsRefused(bool truncated)
    {
        var (fixture, _) = await StoreFixture.CreateAsync(Sample.Sweep(10, 100));
        await using var owned = fixture;
        await fixture.Store.DisposeAsync();
        var bytes = await File.ReadAllBytesAsync(fixture.Path);
        await File.WriteAllBytesAsync(fixture.Path, truncated
            ? bytes[..(bytes.Length / 2)]
            : [.. bytes.Select((value, at) => at >= bytes.Length / 2 && at % 64 == 0 ? (byte)~value : value)]);

        var error = await Assert.ThrowsAsync<StoreException>(() => SqliteSweepStore.OpenAsync(fixture.Path, TimeProvider.System));

        Assert.Contains("damaged", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenAsync_PathIsAFolder_SaysSo()
    {
        using var folder = new TemporaryFolder();

        var error = await Assert.ThrowsAsync<StoreException>(() => SqliteSweepStore.OpenAsync(folder.Root, TimeProvider.System));

        Assert.Contains("cannot be opened", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reopened_AfterARestart_EverythingIsThere()
    {
        var (fixture, coordinator) = await StoreFixture.CreateAsync(Sample.Sweep(2, 3));
        await using var owned = fixture;
        var request = Sample.Request(2);
        var leased = await fixture.GrantAsync(coordinator, request);
        await fixture.Store.WriteAsync([Sample.Completion(leased[0], 1), Sample.Epoch(leased[1], 1)]);
        var results = await fixture.ResultsAsync();

        await fixture.ReopenAsync();

        Assert.Equal(results, await fixture.ResultsAsync());
        Assert.Equal(leased[1..], await fixture.GrantAsync(coordinator, request));
        Assert.Equal([WriteVerdict.AlreadyAccepted, WriteVerdict.AlreadyAccepted, WriteVerdict.Accepted],
            await fixture.Store.WriteAsync([Sample.Completion(leased[0], 1), Sample.Epoch(leased[1], 1), Sample.Epoch(leased[1], 2)]));
        Assert.Equal((4, 1), ((await fixture.OverviewAsync()).Waiting, (await fixture.OverviewAsync()).Leased));
    }

    [Fact]
    public async Task WriteAsync_ProcessDiesAfterwards_IsDurable()
    {
        var (fixture, coordinator) = await StoreFixture.CreateAsync(Sample.Sweep(1, 3));
        await using var owned = fixture;
        var leased = await fixture.GrantAsync(coordinator, Sample.Request(3));
        await fixture.Store.WriteAsync([.. leased.Select(trial => Sample.Completion(trial, 1))]);
        using var copy = new TemporaryFolder();
        // As a killed process leaves its files: never closed, the log not yet moved into the database.
        foreach (var file in (string[])["", "-wal"])
            File.Copy(fixture.Path + file, copy[$"sweeps.db{file}"]);

        await using var store = await SqliteSweepStore.OpenAsync(copy["sweeps.db"], fixture.Time);

        Assert.Equal(await fixture.ResultsAsync(), await store.Reader.ReadResultsAsync(Sample.SweepId, CancellationToken.None));
        Assert.Equal(SweepStatus.Finished, await store.FinishAsync(coordinator));
    }

    [Fact]
    public async Task Write_DiskFull_FailsClearlyAndTheStoreStaysUsable()
    {
        var (fixture, coordinator) = await StoreFixture.CreateAsync(Sample.Sweep(1, 2));
        await using var owned = fixture;
        var leased = await fixture.GrantAsync(coordinator, Sample.Request(2));
        await fixture.ExecuteAsync($"PRAGMA max_page_count = {await fixture.QueryAsync<long>("PRAGMA page_count")}");
        var large = new Failure("code-error", new string('x', 1_000_000));

        var ofWrite = await Assert.ThrowsAsync<StoreException>(() => fixture.Store.WriteAsync(
            [Sample.Completion(leased[0], 1), Sample.Epoch(leased[1], 1, new(Outcome.Failed, Failure: large))]));
        var ofCreate = await Assert.ThrowsAsync<StoreException>(
            () => fixture.Store.CreateAsync("digits-2", 2, Sample.Sweep(100, 100)));

        Assert.All((string[])[ofWrite.Message, ofCreate.Message], message =>
            Assert.Equal($"{fixture.Path}: the disk is full. Free some space, and repeat; what was stored before is safe.", message));
        // All or nothing: the first report is not there either.
        Assert.Equal((0, 2), ((await fixture.OverviewAsync()).Waiting, (await fixture.OverviewAsync()).Leased));
        Assert.Single(await fixture.Store.Reader.ListAsync(CancellationToken.None));
        await fixture.ExecuteAsync("PRAGMA max_page_count = 1000000");
        Assert.Equal([WriteVerdict.Accepted, WriteVerdict.Accepted],
            await fixture.Store.WriteAsync([Sample.Completion(leased[0], 1), Sample.Completion(leased[1], 1)]));
        Assert.Equal(SweepStatus.Finished, await fixture.Store.FinishAsync(coordinator));
    }

    [Fact]
    public async Task Write_DatabaseReadOnly_FailsClearlyAndTheStoreStaysUsable()
    {
        var (fixture, coordinator) = await StoreFixture.CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        await fixture.ExecuteAsync("PRAGMA query_only = ON");

        var error = await Assert.ThrowsAsync<StoreException>(() => fixture.GrantAsync(coordinator, Sample.Request(1)));

        Assert.Contains("cannot be written", error.Message, StringComparison.Ordinal);
        await fixture.ExecuteAsync("PRAGMA query_only = OFF");
        Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));
    }

    [Fact]
    public async Task AnyCall_AfterDisposal_Throws()
    {
        await using var fixture = await StoreFixture.CreateAsync();
        await fixture.Store.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => fixture.Store.ReleaseAllAsync());
        Assert.Equal([], Directory.GetFiles(Path.GetDirectoryName(fixture.Path)!, "*-wal"));
    }

    [Fact]
    public async Task Write_FromSeveralThreads_LosesNothing()
    {
        const int trials = 400;
        var (fixture, coordinator) = await StoreFixture.CreateAsync(Sample.Sweep(4, trials / 4));
        await using var owned = fixture;

        var accepted = await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(async () =>
        {
            var mine = new List<TrialId>();
            while (await fixture.GrantAsync(coordinator, Sample.Request(7, silo: $"silo-{worker}")) is { IsEmpty: false } leased)
            {
                var verdicts = await fixture.Store.WriteAsync(
                    [.. leased.Select(trial => Sample.Epoch(trial, 1)), .. leased.Select(trial => Sample.Completion(trial, 2))]);
                Assert.All(verdicts, verdict => Assert.Equal(WriteVerdict.Accepted, verdict));
                mine.AddRange(leased.Select(trial => trial.Trial));
                await fixture.Store.Reader.FindAsync(Sample.SweepId, CancellationToken.None);
            }
            return mine;
        })));

        Assert.Equal(trials, accepted.SelectMany(mine => mine).Distinct().Count());
        Assert.Equal(trials, accepted.Sum(mine => mine.Count));
        Assert.Equal(trials, (await fixture.ResultsAsync()).Count(result => result is { Outcome: Outcome.Completed, Epochs: 2 }));
        Assert.Equal(SweepStatus.Finished, await fixture.Store.FinishAsync(coordinator));
    }

    [Fact]
    public async Task Grant_ManyWaitingTrials_FollowsIndexesWithoutSortingThem()
    {
        var (fixture, coordinator) = await StoreFixture.CreateAsync(Sample.Sweep(20, 50));
        await using var owned = fixture;
        await fixture.GrantAsync(coordinator, Sample.Request(10));

        foreach (var sql in (Sql[])[LeaseStatements.NextHead, LeaseStatements.GrantMembers])
        {
            var plan = await fixture.ExplainAsync(sql);
            Assert.Contains(plan, step => step.StartsWith("SEARCH trials USING INDEX ix_trials_waiting", StringComparison.Ordinal));
            Assert.DoesNotContain(plan, step => step.Contains("TEMP B-TREE", StringComparison.Ordinal));
            Assert.DoesNotContain(plan, step => step.StartsWith("SCAN trials", StringComparison.Ordinal));
        }
        Assert.Contains(await fixture.ExplainAsync(LeaseStatements.GrantSuspect),
            step => step.StartsWith("SEARCH trials USING INDEX ix_trials_suspect", StringComparison.Ordinal));
    }

    [Fact]
    public async Task GrantAsync_AfterAMachineSlept_FindsNoLeaseOver()
    {
        using var folder = new TemporaryFolder();
        var time = new SuspendedTime();
        await using var store = await SqliteSweepStore.OpenAsync(folder["sweeps.db"], time);
        await store.CreateAsync(Sample.SweepId, 1, Sample.Sweep(1, 1));
        var coordinator = (await store.OpenAsync(Sample.SweepId))!.Coordinator;
        Assert.Single((await store.GrantAsync(coordinator, Sample.Request(1))).Trials);

        time.Slept = TimeSpan.FromHours(8);

        Assert.Empty((await store.GrantAsync(coordinator, Sample.Request(1))).Trials);
    }

    /// <summary>What a program sees of a suspended machine: the wall's clock leaps, the other stands still meanwhile.</summary>
    private sealed class SuspendedTime : TimeProvider
    {
        public TimeSpan Slept { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Slept;
    }

    [Fact]
    public async Task Reader_NoFile_HoldsNoSweepAndCreatesNothing()
    {
        using var folder = new TemporaryFolder();
        var reader = new SqliteSweepReader(folder["sweeps.db"]);

        Assert.Empty(await reader.ListAsync(CancellationToken.None));
        Assert.Null(await reader.FindAsync(Sample.SweepId, CancellationToken.None));
        Assert.Equal(0, await reader.LatestNumberAsync("digits", CancellationToken.None));
        Assert.Null(await reader.ReadTextAsync(Sample.SweepId, CancellationToken.None));
        Assert.Empty(await reader.ReadResultsAsync(Sample.SweepId, CancellationToken.None));
        Assert.Empty(await reader.UnfinishedAsync());
        Assert.Empty(Directory.GetFileSystemEntries(folder.Root));
    }

    [Fact]
    public async Task Reader_BesideAnOwner_SeesWhatIsStoredAndNeverBlocksIt()
    {
        var (fixture, coordinator) = await StoreFixture.CreateAsync(Sample.Sweep(1, 2));
        await using var owned = fixture;
        var reader = new SqliteSweepReader(fixture.Path);
        var leased = await fixture.GrantAsync(coordinator, Sample.Request(2));
        Assert.Equal(2, (await reader.FindAsync(Sample.SweepId, CancellationToken.None))!.Leased);

        // While a transaction is open, others read the state before it.
        var seen = await fixture.Writer.TransactAsync(session =>
        {
            session.Execute(new("UPDATE trials SET lease = NULL"));
            return reader.FindAsync(Sample.SweepId, CancellationToken.None).Result!.Leased;
        });
        await fixture.Store.WriteAsync([Sample.Completion(leased[0], 1)]);

        Assert.Equal(2, seen);
        Assert.Equal(await fixture.ResultsAsync(), await reader.ReadResultsAsync(Sample.SweepId, CancellationToken.None));
    }

    [Fact]
    public async Task Reader_OwnerGone_ReadsWithoutItsLog()
    {
        var (fixture, _) = await StoreFixture.CreateAsync(Sample.Sweep(2, 3));
        await using var owned = fixture;
        await fixture.Store.DisposeAsync();
        Assert.False(File.Exists($"{fixture.Path}-wal"));

        Assert.Equal(6, (await new SqliteSweepReader(fixture.Path).FindAsync(Sample.SweepId, CancellationToken.None))!.Waiting);
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task Reader_FolderReadOnly_Reads()
    {
        Assert.SkipWhen(Environment.IsPrivilegedProcess, "This user may write everywhere.");
        var (fixture, _) = await StoreFixture.CreateAsync(Sample.Sweep(2, 3));
        await using var owned = fixture;
        await fixture.Store.DisposeAsync();
        var folder = Path.GetDirectoryName(fixture.Path)!;
        File.SetUnixFileMode(fixture.Path, UnixFileMode.UserRead);
        File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        try
        {
            Assert.Equal(6, (await new SqliteSweepReader(fixture.Path).FindAsync(Sample.SweepId, CancellationToken.None))!.Waiting);
            var error = await Assert.ThrowsAsync<StoreException>(() => SqliteSweepStore.OpenAsync(fixture.Path, TimeProvider.System));
            Assert.Contains("cannot be written", error.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    private static void Execute(string path, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
