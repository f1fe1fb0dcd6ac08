using System.Collections.Concurrent;
using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Servers;
using DeepTrain.Cluster.Silo.Storage;
using DeepTrain.Cluster.Silo.Storage.Postgres;
using DeepTrain.Cluster.Silo.Storage.Sessions;
using DeepTrain.Cluster.Sweeps.Trials;
using Npgsql;

namespace DeepTrain.Cluster.Silo.Tests;

/// <summary>Several silos on one database, and connections that end at any moment.</summary>
public sealed class PostgresConcurrencyTests
{
    /// <remarks>Both are alive: one is the coordinator now and then, and the other finds out with its next call.</remarks>
    [Fact]
    public async Task GrantAsync_TwoCoordinatorsFromManyThreadsAndKilledConnections_NoTrialIsInTwoLeases()
    {
        const int trials = 240;
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var fixture = (PostgresFixture)await StoreFixture.CreateAsync(StoreKind.Postgres);
        await using var owned = fixture;
        Assert.True(await fixture.Store.CreateAsync(Sample.SweepId, 1, Sample.Sweep(4, trials / 4)));
        await using var second = await PostgresSweepStore.OpenAsync(fixture.Settings, 2, TimeProvider.System, CancellationToken.None);
        SweepStore[] silos = [fixture.Store, second];
        var coordinators = new Coordinator[2];
        for (var silo = 0; silo < silos.Length; silo++)
            coordinators[silo] = (await silos[silo].OpenAsync(Sample.SweepId))!.Coordinator;
        var accepted = new ConcurrentDictionary<TrialId, int>();
        var (replaced, lost) = (0, 0);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            var random = new Random(seed + worker);
            var mine = worker % 2;
            var request = Sample.Request(1 + random.Next(4), random.Next(2) == 0, silo: $"silo-{worker}");
            while (accepted.Count < trials)
            {
                if (random.Next(12) == 0)
                    await KillOneAsync(fixture, random);
                try
                {
                    var leased = (await silos[mine].GrantAsync(coordinators[mine], request)).Trials;
                    if (random.Next(10) == 0)
                        await silos[mine].ReleaseAsync(coordinators[mine], request.Lease, [.. leased.Select(trial => trial.Trial)]);
                    else if (random.Next(20) == 0)
                        await silos[mine].ReleaseSiloAsync(request.Silo);
                    else
                        await WriteAsync(silos[mine], leased, accepted);
                    request = Sample.Request(1 + random.Next(4), random.Next(2) == 0, silo: $"silo-{worker}");
                }
                catch (CoordinatorReplacedException)
                {
                    Interlocked.Increment(ref replaced);
                    await Repeat(async () => coordinators[mine] = (await silos[mine].OpenAsync(Sample.SweepId))!.Coordinator, () => { });
                }
                catch (StoreException)
                {
                    // The same request again: it returns what it was granted, if it was.
                    Interlocked.Increment(ref lost);
                }
            }
        })));

        TestContext.Current.TestOutputHelper!.WriteLine($"{replaced} times replaced, {lost} calls lost");
        Assert.True(replaced > 0);
        // The last kill may have hit a connection that nobody has used since.
        await fixture.ReopenAsync();
        Assert.All(accepted, trial => Assert.Equal(1, trial.Value));
        Assert.Equal(trials, accepted.Count);
        var results = await fixture.ResultsAsync();
        Assert.Equal(trials, results.Count(result => result.Outcome is Outcome.Completed or Outcome.Failed));
        Assert.Equal(0L, await fixture.QueryAsync<long>("SELECT COUNT(*) FROM trials WHERE attempt <> fence AND outcome = 'Completed'"));
        Assert.Equal(SweepStatus.Finished, await fixture.Store.FinishAsync((await fixture.Store.OpenAsync(Sample.SweepId))!.Coordinator));
    }

    /// <remarks>Each has locked what the other comes to: the server would find that out only after a second.</remarks>
    [Fact]
    public async Task TransactAsync_GroupsComeToWaitForEachOther_OneLetsGoAndAllIsDone()
    {
        var fixture = (PostgresFixture)await StoreFixture.CreateAsync(StoreKind.Postgres);
        await using var owned = fixture;
        foreach (var number in (int[])[1, 2])
            Assert.True(await fixture.Store.CreateAsync($"digits-{number}", number, Sample.Sweep(1, 1)));
        await using var one = new TransactionThreads("one", TimeProvider.System, new PostgresLink(fixture.Settings));
        await using var two = new TransactionThreads("two", TimeProvider.System, new PostgresLink(fixture.Settings));
        using var bothHold = new CountdownEvent(2);
        var failures = new ConcurrentBag<string>();
        Action[] resume = [await SharedTransactionTests.HoldAsync(one), await SharedTransactionTests.HoldAsync(two)];

        Task<int>[] calls = [FinishAsync(one, 1, meet: true), FinishAsync(one, 2), FinishAsync(two, 2, meet: true), FinishAsync(two, 1)];
        foreach (var each in resume)
            each();

        Assert.All(await Task.WhenAll(calls), changed => Assert.Equal(1, changed));
        Assert.Contains(PostgresErrorCodes.LockNotAvailable, failures);
        Assert.DoesNotContain(PostgresErrorCodes.DeadlockDetected, failures);

        Task<int> FinishAsync(TransactionThreads threads, int sweep, bool meet = false) => threads.TransactAsync(session =>
        {
            try
            {
                var changed = session.Execute(new("UPDATE sweeps SET finished = 0 WHERE number = @number"), ("@number", sweep));
                // Only at first: what runs again is alone.
                if (meet && !bothHold.IsSet)
                {
                    bothHold.Signal();
                    bothHold.Wait();
                }
                return changed;
            }
            catch (PostgresException error)
            {
                failures.Add(error.SqlState);
                throw;
            }
        });
    }

    [Theory]
    [InlineData("create")]
    [InlineData("grant")]
    [InlineData("write")]
    [InlineData("pause")]
    [InlineData("retry")]
    [InlineData("delete")]
    public async Task Call_ConnectionCutAfterCommit_RepeatedGivesNothingTwice(string call)
    {
        var fixture = (PostgresFixture)await StoreFixture.CreateAsync(StoreKind.Postgres);
        await using var owned = fixture;
        await using var proxy = new FaultProxy(fixture.Settings.Port);
        await using var store = await PostgresSweepStore.OpenAsync(fixture.Settings with { Port = proxy.Port }, 1, TimeProvider.System, CancellationToken.None);
        var sweep = Sample.Sweep(1, 4);
        if (call == "create")
        {
            Assert.False(await TwiceAsync(() => store.CreateAsync(Sample.SweepId, 1, sweep)));
            Assert.Equal(4, (await store.Reader.FindAsync(Sample.SweepId, CancellationToken.None))!.Waiting);
            return;
        }
        Assert.True(await store.CreateAsync(Sample.SweepId, 1, sweep));
        var coordinator = (await store.OpenAsync(Sample.SweepId))!.Coordinator;
        var request = Sample.Request(2);
        if (call == "grant")
        {
            var granted = (await TwiceAsync(() => store.GrantAsync(coordinator, request))).Trials;
            Assert.Equal([(1L, 1), (1L, 1)], granted.Select(trial => (trial.Fence, trial.Attempt)));
            Assert.Equal((2, 2), ((await fixture.OverviewAsync()).Waiting, (await fixture.OverviewAsync()).Leased));
            return;
        }
        var leased = (await store.GrantAsync(coordinator, request)).Trials;
        FencedReport[] reports =
        [
            Sample.Epoch(leased[0], 1), Sample.Completion(leased[0], 2),
            Sample.Epoch(leased[1], 1, new(Outcome.Failed, Failure: new(FailureClass.CodeError, "no gradient"))),
        ];
        if (call == "write")
        {
            Assert.All(await TwiceAsync(() => store.WriteAsync(reports)), verdict => Assert.Equal(WriteVerdict.AlreadyAccepted, verdict));
            Assert.Equal(2, (await fixture.ResultsAsync()).Length);
            Assert.Equal(2L, await fixture.QueryAsync<long>("SELECT COUNT(*) FROM epochs"));
            return;
        }
        await store.WriteAsync(reports);
        switch (call)
        {
            case "pause":
                // It was in no state for it: it is paused.
                Assert.False(await TwiceAsync(() => store.PauseAsync(coordinator)));
                Assert.Equal(SweepStatus.Paused, (await fixture.OverviewAsync()).Status);
                break;
            case "retry":
                Assert.Equal(0, await TwiceAsync(() => store.RetryAsync(coordinator)));
                Assert.Equal(2L, await fixture.QueryAsync<long>("SELECT MAX(fence) FROM trials"));
                Assert.Equal(3, (await fixture.OverviewAsync()).Waiting);
                break;
            case "delete":
                await Assert.ThrowsAsync<CoordinatorReplacedException>(() => TwiceAsync(() => store.DeleteAsync(coordinator)));
                Assert.Equal([Sample.SweepId], await store.Reader.TombstonesAsync());
                break;
        }

        async Task<T> TwiceAsync<T>(Func<Task<T>> again)
        {
            var cut = proxy.CutAfterCommit();
            await Assert.ThrowsAsync<StoreException>(() => again());
            await cut;
            return await again();
        }
    }

    [Fact]
    public async Task WriteAsync_BesideEverythingElse_NeitherBlocksNorIsLost()
    {
        const int trials = 60;
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var (made, coordinator) = await StoreFixture.CreateAsync(StoreKind.Postgres, Sample.Sweep(1, trials));
        var fixture = (PostgresFixture)made;
        await using var owned = fixture;
        var leased = (await fixture.Store.GrantAsync(coordinator, Sample.Request(trials))).Trials;
        await using var other = await PostgresSweepStore.OpenAsync(fixture.Settings, 1, TimeProvider.System, CancellationToken.None);
        using var over = new CancellationTokenSource();
        // Batches name the trials in any order, from two silos at once, while others lock them all.
        var disturbing = Task.Run(async () =>
        {
            while (!over.IsCancellationRequested)
            {
                await fixture.Store.ExtendAsync(coordinator, Sample.Sweep(1, trials));
                await fixture.Store.RenewAsync(coordinator, [], Sample.LeaseTime);
            }
        });

        await Task.WhenAll(((SweepStore[])[fixture.Store, other]).Select((store, half) => Task.Run(async () =>
        {
            var random = new Random(seed + half);
            for (var epoch = 1; epoch <= 20; epoch++)
            {
                var batch = leased.Where((_, at) => at % 2 == half).Select(trial => Sample.Epoch(trial, epoch))
                    .Concat(leased.Select(trial => Sample.Epoch(trial with { Fence = trial.Fence + 7 }, epoch))).ToArray();
                random.Shuffle(batch);
                var verdicts = await store.WriteAsync(batch);
                Assert.Equal(trials / 2, verdicts.Count(verdict => verdict is WriteVerdict.Accepted));
            }
        })));
        await over.CancelAsync();
        await disturbing;

        Assert.Equal(20L * trials, await fixture.QueryAsync<long>("SELECT COUNT(*) FROM epochs"));
    }

    private static async Task WriteAsync(SweepStore store, ImmutableArray<LeasedTrial> leased, ConcurrentDictionary<TrialId, int> accepted)
    {
        FencedReport[] reports = [.. leased.Select(trial => Sample.Completion(trial, 1))];
        ImmutableArray<WriteVerdict> verdicts = [];
        var repeated = false;
        await Repeat(async () => verdicts = await store.WriteAsync(reports), () => repeated = true);
        foreach (var (report, verdict) in reports.Zip(verdicts))
        {
            if (verdict is WriteVerdict.Accepted || (repeated && verdict is WriteVerdict.AlreadyAccepted))
                accepted.AddOrUpdate(report.Report.Trial, 1, (_, times) => times + 1);
        }
    }

    private static async Task Repeat(Func<Task> call, Action lost)
    {
        while (true)
        {
            try
            {
                await call();
                return;
            }
            catch (StoreException)
            {
                lost();
            }
        }
    }

    /// <summary>Ends one of the stores' connections, whatever it is doing.</summary>
    private static Task KillOneAsync(PostgresFixture fixture, Random random) => fixture.ExecuteAsync($"""
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'deeptrain' ORDER BY md5(pid::text || '{random.Next()}') LIMIT 1
        """);
}
