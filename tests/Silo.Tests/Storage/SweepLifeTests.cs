using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Tests;

public abstract class SweepLifeTests(StoreKind kind) : StoreTests(kind)
{
    [Fact]
    public async Task CreateAsync_NewId_AllTrialsWait()
    {
        var (fixture, _) = await CreateAsync(Sample.Sweep(3, 4));
        await using var owned = fixture;

        var overview = await fixture.OverviewAsync();

        Assert.Equal((12, 0, 12), (overview.Waiting, overview.Leased, overview.Total));
        Assert.Equal((Sample.SweepId, "digits", 1, SweepStatus.Running), (overview.Id, overview.Name, overview.Number, overview.Status));
        fixture.AssertNow(overview.Created);
        Assert.Null(overview.Finished);
        Assert.Equal(1, await fixture.Store.Reader.LatestNumberAsync("digits", CancellationToken.None));
        Assert.Equal(0, await fixture.Store.Reader.LatestNumberAsync("other", CancellationToken.None));
        Assert.Equal("name: digits # 3 x 4", await fixture.Store.Reader.ReadTextAsync(Sample.SweepId, CancellationToken.None));
        Assert.Equal([Sample.SweepId], await fixture.Store.Reader.UnfinishedAsync());
    }

    [Fact]
    public async Task CreateAsync_IdTaken_StoresNothing()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 2));
        await using var owned = fixture;

        Assert.False(await fixture.Store.CreateAsync(Sample.SweepId, 1, Sample.Sweep(5, 7)));

        Assert.Equal(2, (await fixture.OverviewAsync()).Total);
        Assert.Equal(2L, await fixture.QueryAsync<long>("SELECT COUNT(*) FROM cells"));
        Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));
    }

    [Fact]
    public async Task CreateAsync_Resolved_IsJsonWithItsHash()
    {
        var (fixture, _) = await CreateAsync(Sample.Sweep(3, 4));
        await using var owned = fixture;

        var resolved = await fixture.QueryAsync<string>("SELECT resolved FROM sweeps");

        using var json = JsonDocument.Parse(resolved);
        Assert.Equal("digits", json.RootElement.GetProperty("fixed").GetProperty("dataset").GetString());
        Assert.Equal([32, 64], json.RootElement.GetProperty("factors").GetProperty("batchSize").GetProperty("levels")
            .EnumerateArray().Select(level => level.GetInt32()));
        Assert.Equal("Maximize", json.RootElement.GetProperty("objective").GetProperty("goal").GetString());
        Assert.Equal(3, json.RootElement.GetProperty("replicates").GetInt32());
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(resolved))),
            await fixture.QueryAsync<string>("SELECT hash FROM sweeps"));
    }

    [Fact]
    public async Task OpenAsync_NoSuchSweep_Null()
    {
        await using var fixture = await CreateAsync();

        Assert.Null(await fixture.Store.OpenAsync("none-1"));
        Assert.Null(await fixture.Store.Reader.FindAsync("none-1", CancellationToken.None));
        Assert.Null(await fixture.Store.Reader.ReadTextAsync("none-1", CancellationToken.None));
        Assert.Empty(await fixture.Store.Reader.ReadResultsAsync("none-1", CancellationToken.None));
        Assert.Empty(await fixture.Store.Reader.ReadEndedAsync("none-1"));
        Assert.Equal(default, await fixture.Store.Reader.CountAsync("none-1"));
    }

    [Fact]
    public async Task ListAsync_SeveralSweeps_NewestFirst()
    {
        await using var fixture = await CreateAsync();
        foreach (var number in (int[])[1, 2, 3])
            Assert.True(await fixture.Store.CreateAsync($"digits-{number}", number, Sample.Sweep(number, 1)));

        var list = await fixture.Store.Reader.ListAsync(CancellationToken.None);

        Assert.Equal([("digits-3", 3), ("digits-2", 2), ("digits-1", 1)], list.Select(sweep => (sweep.Id, sweep.Total)));
        Assert.Equal(3, await fixture.Store.Reader.LatestNumberAsync("digits", CancellationToken.None));
        Assert.Equal(["digits-1", "digits-2", "digits-3"], await fixture.Store.Reader.UnfinishedAsync());
    }

    [Fact]
    public async Task EveryCoordinatorCall_AfterAnotherOpened_ThrowsAndChangesNothing()
    {
        var (fixture, old) = await CreateAsync(Sample.Sweep(1, 3));
        await using var owned = fixture;
        var store = fixture.Store;
        var lease = Guid.NewGuid();
        var leased = Assert.Single(await fixture.GrantAsync(old, Sample.Request(1, lease: lease)));
        var current = (await store.OpenAsync(Sample.SweepId))!.Coordinator;
        Func<Task>[] calls =
        [
            () => store.ExtendAsync(old, Sample.Sweep(9, 9)),
            () => store.GrantAsync(old, Sample.Request(1)),
            () => store.GrantAsync(old, Sample.Request(1, lease: lease)),
            () => store.RenewAsync(old, [lease], Sample.LeaseTime),
            () => store.ReleaseAsync(old, lease, [leased.Trial]),
            () => store.CancelAsync(old),
            () => store.FinishAsync(old),
            () => store.PauseAsync(old),
            () => store.ResumeAsync(old),
            () => store.RetryAsync(old),
            () => store.DeleteAsync(old),
        ];
        var before = await fixture.OverviewAsync();

        foreach (var call in calls)
            await Assert.ThrowsAsync<CoordinatorReplacedException>(call);

        var after = await fixture.OverviewAsync();
        Assert.Equal((before.Waiting, before.Leased, before.Status), (after.Waiting, after.Leased, after.Status));
        Assert.Equal([leased], await fixture.GrantAsync(current, Sample.Request(1, lease: lease)));
        await Assert.ThrowsAsync<CoordinatorReplacedException>(() => store.GrantAsync(new("none-1", 1), Sample.Request(1)));
    }

    [Fact]
    public async Task ExtendAsync_MoreReplicates_AddsOnlyTheNewTrials()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(2, 2));
        await using var owned = fixture;
        var leased = await fixture.GrantAsync(coordinator, Sample.Request(4, acrossReplicates: true));
        await fixture.Store.WriteAsync([.. leased.Select(trial => Sample.Completion(trial, 1))]);
        Assert.Equal(SweepStatus.Finished, await fixture.Store.FinishAsync(coordinator));
        var results = await fixture.ResultsAsync();

        await fixture.Store.ExtendAsync(coordinator, Sample.Sweep(3, 2));

        var overview = await fixture.OverviewAsync();
        Assert.Equal((2, SweepStatus.Running, null), (overview.Waiting, overview.Status, overview.Finished));
        Assert.Equal("name: digits # 3 x 2", await fixture.Store.Reader.ReadTextAsync(Sample.SweepId, CancellationToken.None));
        Assert.Equal(results, await fixture.ResultsAsync());
        Assert.All(await fixture.GrantAsync(coordinator, Sample.Request(4, acrossReplicates: true)),
            trial => Assert.Equal(3, trial.Trial.Replicate));
    }

    [Fact]
    public async Task ExtendAsync_CellsAndReplicatesGoneAndBack_AreInactiveThenActiveWithTheirResults()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(2, 3));
        await using var owned = fixture;
        var leased = await fixture.GrantAsync(coordinator, Sample.Request(3));
        await fixture.Store.WriteAsync([.. leased.Select(trial => Sample.Completion(trial, 1))]);
        var results = await fixture.ResultsAsync();

        await fixture.Store.ExtendAsync(coordinator, Sample.Sweep(1, (0.003, 32), (0.001, 32)));

        Assert.Equal([results[2], results[0]], await fixture.ResultsAsync());
        Assert.Equal(2, (await fixture.OverviewAsync()).Total);
        Assert.Empty(await fixture.GrantAsync(coordinator, Sample.Request(9, acrossReplicates: true)));
        Assert.Equal(SweepStatus.Finished, await fixture.Store.FinishAsync(coordinator));

        await fixture.Store.ExtendAsync(coordinator, Sample.Sweep(2, 3));

        Assert.Equal(results, await fixture.ResultsAsync());
        Assert.Equal(3, (await fixture.OverviewAsync()).Waiting);
        Assert.Equal(SweepStatus.Running, (await fixture.OverviewAsync()).Status);
        Assert.Equal(6L, await fixture.QueryAsync<long>("SELECT COUNT(*) FROM trials"));
    }

    [Fact]
    public async Task ExtendAsync_LeasedTrialLeavesTheFile_ItsResultIsKeptAndItNeverWaitsAgain()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 2));
        await using var owned = fixture;
        var lease = Guid.NewGuid();
        var leased = await fixture.GrantAsync(coordinator, Sample.Request(2, lease: lease));

        await fixture.Store.ExtendAsync(coordinator, Sample.Sweep(1, (0.005, 32)));
        Assert.Equal([WriteVerdict.Accepted], await fixture.Store.WriteAsync([Sample.Completion(leased[0], 1)]));
        await fixture.Store.ReleaseAsync(coordinator, lease, [leased[1].Trial]);

        Assert.Equal(Sample.Cell(0.005, 32).Id,
            Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(9))).Trial.Cell);
        Assert.Empty(await fixture.ResultsAsync());
        Assert.Equal("Completed", await fixture.QueryAsync<string>("SELECT outcome FROM trials WHERE outcome IS NOT NULL"));
    }

    [Fact]
    public async Task ExtendAsync_LeasedTrialGoneAndBackAfterTheEnd_RunsAgain()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 2));
        await using var owned = fixture;
        var leased = await fixture.GrantAsync(coordinator, Sample.Request(2));
        await fixture.Store.ExtendAsync(coordinator, Sample.Sweep(1, 1));
        await fixture.Store.WriteAsync([Sample.Completion(leased[0], 1)]);
        Assert.Equal(SweepStatus.Finished, await fixture.Store.FinishAsync(coordinator));

        await fixture.Store.ExtendAsync(coordinator, Sample.Sweep(1, 2));

        Assert.Equal((SweepStatus.Running, 1), ((await fixture.OverviewAsync()).Status, (await fixture.OverviewAsync()).Leased));
        Assert.Contains(Sample.SweepId, await fixture.Store.Reader.UnfinishedAsync());
    }

    [Fact]
    public async Task ExtendAsync_NewCellInFront_IsGrantedInTheNewOrder()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, (0.2, 32), (0.3, 32)));
        await using var owned = fixture;

        await fixture.Store.ExtendAsync(coordinator, Sample.Sweep(1, (0.3, 32), (0.1, 32), (0.2, 32)));

        Assert.Equal([Sample.Cell(0.3, 32).Id, Sample.Cell(0.1, 32).Id, Sample.Cell(0.2, 32).Id],
            (await fixture.GrantAsync(coordinator, Sample.Request(9))).Select(trial => trial.Trial.Cell));
    }

    [Fact]
    public async Task CancelAsync_RunningSweep_EndsTheRestAndRefusesLateWrites()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 3));
        await using var owned = fixture;
        var leased = await fixture.GrantAsync(coordinator, Sample.Request(2));
        await fixture.Store.WriteAsync([Sample.Completion(leased[0], 1), Sample.Epoch(leased[1], 1)]);

        await fixture.Store.CancelAsync(coordinator);

        Assert.Equal([WriteVerdict.Refused], await fixture.Store.WriteAsync([Sample.Completion(leased[1], 2)]));
        var overview = await fixture.OverviewAsync();
        Assert.Equal((SweepStatus.Cancelled, 0, 0), (overview.Status, overview.Waiting, overview.Leased));
        fixture.AssertNow(overview.Finished);
        Assert.Equal((1, 2), (overview.ByOutcome[Outcome.Completed], overview.ByOutcome[Outcome.Cancelled]));
        Assert.Empty(await fixture.Store.Reader.UnfinishedAsync());
        var second = (await fixture.ResultsAsync())[1];
        Assert.Equal((Outcome.Cancelled, 1, 0.5, leased[1].Fence + 1), (second.Outcome, second.Epochs, second.Seconds, second.Fence));
        Assert.NotEqual(SweepStatus.Finished, await fixture.Store.FinishAsync(coordinator));
    }

    [Fact]
    public async Task CancelAsync_FinishedSweep_StaysFinished()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        var leased = await fixture.GrantAsync(coordinator, Sample.Request(1));
        await fixture.Store.WriteAsync([Sample.Completion(leased[0], 1)]);
        Assert.Equal(SweepStatus.Finished, await fixture.Store.FinishAsync(coordinator));

        await fixture.Store.CancelAsync(coordinator);

        Assert.Equal(SweepStatus.Finished, (await fixture.OverviewAsync()).Status);
    }

    [Fact]
    public async Task PauseAsync_RunningSweep_KeepsItsLeasesUntilItIsResumed()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 3));
        await using var owned = fixture;
        var leased = await fixture.GrantAsync(coordinator, Sample.Request(1));
        Assert.False(await fixture.Store.ResumeAsync(coordinator));

        Assert.True(await fixture.Store.PauseAsync(coordinator));
        Assert.False(await fixture.Store.PauseAsync(coordinator));

        var overview = await fixture.OverviewAsync();
        Assert.Equal((SweepStatus.Paused, 1), (overview.Status, overview.Leased));
        Assert.Empty(await fixture.Store.Reader.UnfinishedAsync());
        Assert.Equal([WriteVerdict.Accepted], await fixture.Store.WriteAsync([Sample.Completion(leased[0], 1)]));
        await fixture.Store.ExtendAsync(coordinator, Sample.Sweep(1, 5));
        Assert.Equal(SweepStatus.Paused, (await fixture.Store.OpenAsync(Sample.SweepId))!.Status);
        coordinator = (await fixture.Store.OpenAsync(Sample.SweepId))!.Coordinator;
        Assert.True(await fixture.Store.ResumeAsync(coordinator));
        Assert.Equal([Sample.SweepId], await fixture.Store.Reader.UnfinishedAsync());
        Assert.Equal(4, (await fixture.OverviewAsync()).Waiting);
    }

    [Fact]
    public async Task PauseAsync_SweepIsOver_IsInNoStateForIt()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        await fixture.Store.CancelAsync(coordinator);

        Assert.False(await fixture.Store.PauseAsync(coordinator));
        Assert.False(await fixture.Store.ResumeAsync(coordinator));

        Assert.Equal(SweepStatus.Cancelled, (await fixture.OverviewAsync()).Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task CancelOrFinish_PausedSweep_EndsIt(bool cancel)
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        var leased = await fixture.GrantAsync(coordinator, Sample.Request(1));
        await fixture.Store.PauseAsync(coordinator);

        if (cancel)
        {
            await fixture.Store.CancelAsync(coordinator);
        }
        else
        {
            await fixture.Store.WriteAsync([Sample.Completion(leased[0], 1)]);
            Assert.Equal(SweepStatus.Finished, await fixture.Store.FinishAsync(coordinator));
        }

        Assert.Equal(cancel ? SweepStatus.Cancelled : SweepStatus.Finished, (await fixture.OverviewAsync()).Status);
    }

    [Fact]
    public async Task RetryAsync_CancelledSweep_LetsItsCancelledTrialsBeTrained()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 3));
        await using var owned = fixture;
        var leased = await fixture.GrantAsync(coordinator, Sample.Request(2));
        await fixture.Store.WriteAsync([Sample.Completion(leased[0], 1), Sample.Epoch(leased[1], 1)]);
        await fixture.Store.CancelAsync(coordinator);

        Assert.Equal(2, await fixture.Store.RetryAsync(coordinator));

        var overview = await fixture.OverviewAsync();
        Assert.Equal((SweepStatus.Running, 2, 1, null), (overview.Status, overview.Waiting, overview.ByOutcome[Outcome.Completed], overview.Finished));
        Assert.Equal([WriteVerdict.Refused], await fixture.Store.WriteAsync([Sample.Epoch(leased[1], 2)]));
        var again = await fixture.GrantAsync(coordinator, Sample.Request(2));
        Assert.Equal(2, again.Length);
        Assert.Equal(WriteVerdict.Accepted, Assert.Single(await fixture.Store.WriteAsync([Sample.Epoch(again[0], 1)])));
    }

    [Fact]
    public async Task RetryAsync_FailedTrials_WaitAgainAsIfNeverTried()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 2));
        await using var owned = fixture;
        var leased = await fixture.GrantAsync(coordinator, Sample.Request(2));
        FencedReport[] reports =
        [
            Sample.Completion(leased[0], 1), Sample.Epoch(leased[1], 1),
            Sample.Epoch(leased[1], 1, new(Outcome.Failed, Failure: new(FailureClass.CodeError, "no gradient") { Log = "line 1" })),
        ];
        await fixture.Store.WriteAsync(reports);
        Assert.Equal(SweepStatus.Finished, await fixture.Store.FinishAsync(coordinator));
        Assert.Equal(new(FailureClass.CodeError, "no gradient") { Log = "line 1" }, (await fixture.ResultsAsync())[1].Failure);

        Assert.Equal(1, await fixture.Store.RetryAsync(coordinator));
        Assert.Equal(0, await fixture.Store.RetryAsync(coordinator));

        var overview = await fixture.OverviewAsync();
        Assert.Equal((SweepStatus.Running, 1, 1, null), (overview.Status, overview.Waiting, overview.ByOutcome[Outcome.Completed], overview.Finished));
        Assert.Equal([WriteVerdict.AlreadyAccepted, WriteVerdict.AlreadyAccepted, WriteVerdict.Refused], await fixture.Store.WriteAsync(reports));
        var again = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(9)));
        Assert.Equal((leased[1].Trial, 3, 2), (again.Trial, (int)again.Fence, again.Attempt));
        await fixture.Store.WriteAsync([Sample.Completion(again, 1)]);
        Assert.Equal((Outcome.Completed, null, 0.5), (await fixture.ResultsAsync()).Select(result => (result.Outcome, result.Failure, result.Seconds)).Last());
        Assert.Equal(SweepStatus.Finished, await fixture.Store.FinishAsync(coordinator));
    }

    [Fact]
    public async Task DeleteAsync_LeasedTrials_NothingOfTheSweepIsSeenOrWrittenAgain()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 3));
        await using var owned = fixture;
        var (store, request) = (fixture.Store, Sample.Request(2));
        var leased = await fixture.GrantAsync(coordinator, request);
        await store.WriteAsync([Sample.Epoch(leased[0], 1) with { Checkpoint = "a-1" }, Sample.Epoch(leased[1], 1) with { Checkpoint = "a-1" }]);

        Assert.True(await store.DeleteAsync(coordinator));

        Assert.Equal([WriteVerdict.Refused, WriteVerdict.Refused],
            await store.WriteAsync([Sample.Epoch(leased[0], 2), Sample.Completion(leased[1] with { Fence = 0 }, 2)]));
        await Assert.ThrowsAsync<CoordinatorReplacedException>(() => store.RenewAsync(coordinator, [request.Lease], Sample.LeaseTime));
        Assert.Null(await store.OpenAsync(Sample.SweepId));
        Assert.False(await store.CreateAsync(Sample.SweepId, 1, Sample.Sweep(1, 1)));
        Assert.Empty(await store.Reader.ListAsync(CancellationToken.None));
        Assert.Null(await store.Reader.FindAsync(Sample.SweepId, CancellationToken.None));
        Assert.Null(await store.Reader.ReadTextAsync(Sample.SweepId, CancellationToken.None));
        Assert.Empty(await store.Reader.ReadResultsAsync(Sample.SweepId, CancellationToken.None));
        Assert.Empty(await store.Reader.ReadEndedAsync(Sample.SweepId));
        Assert.Equal(default, await store.Reader.CountAsync(Sample.SweepId));
        Assert.Empty(await store.Reader.ReadEpochsAsync(leased[0].Trial, CancellationToken.None));
        Assert.Null(await store.Reader.ReadProvenanceAsync(leased[0].Trial, CancellationToken.None));
        Assert.Empty(await store.Reader.UnfinishedAsync());
        Assert.Equal(1, await store.Reader.LatestNumberAsync("digits", CancellationToken.None));
    }

    [Fact]
    public async Task RemoveAsync_Tombstone_GoesPartByPartAndNamesEachFileOnceNobodyDoes()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 5));
        await using var owned = fixture;
        var leased = await fixture.GrantAsync(coordinator, Sample.Request(5));
        await fixture.Store.WriteAsync([.. leased.Index().Select(trial => Sample.Epoch(trial.Item, 1) with { Checkpoint = trial.Index < 3 ? "a-1" : "b-1" })]);
        Assert.False((await fixture.Store.RemoveAsync(Sample.SweepId, 2)).More);
        await fixture.Store.DeleteAsync(coordinator);
        Assert.Equal([Sample.SweepId], await fixture.Store.Reader.TombstonesAsync());

        var first = await fixture.Store.RemoveAsync(Sample.SweepId, 2);
        var second = await fixture.Store.RemoveAsync(Sample.SweepId, 2);
        var last = await fixture.Store.RemoveAsync(Sample.SweepId, 2);

        Assert.Empty(first.Checkpoints);
        Assert.Equal(["a-1"], second.Checkpoints);
        Assert.Equal(["b-1"], last.Checkpoints);
        Assert.Equal((true, true, false), (first.More, second.More, last.More));
        Assert.Empty(await fixture.Store.Reader.TombstonesAsync());
        Assert.Empty(await fixture.Store.Reader.ReadCheckpointsAsync());
        Assert.Empty((await fixture.Store.RemoveAsync(Sample.SweepId, 2)).Checkpoints);
        Assert.Equal(0L, await fixture.QueryAsync<long>("SELECT (SELECT COUNT(*) FROM cells) + (SELECT COUNT(*) FROM leases) + (SELECT COUNT(*) FROM epochs)"));
        Assert.Equal(1, await fixture.Store.Reader.LatestNumberAsync("digits", CancellationToken.None));
    }

    [Fact]
    public async Task FinishAsync_OnlyWhenEveryActiveTrialHasItsOutcome_IsTrue()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 2));
        await using var owned = fixture;
        var leased = await fixture.GrantAsync(coordinator, Sample.Request(2));

        await fixture.Store.WriteAsync([Sample.Completion(leased[0], 1)]);
        Assert.NotEqual(SweepStatus.Finished, await fixture.Store.FinishAsync(coordinator));
        Assert.Equal(SweepStatus.Running, (await fixture.OverviewAsync()).Status);

        await fixture.Store.WriteAsync([Sample.Completion(leased[1], 1)]);
        Assert.Equal(SweepStatus.Finished, await fixture.Store.FinishAsync(coordinator));
        var finished = (await fixture.OverviewAsync()).Finished;
        fixture.AssertNow(finished);
        await fixture.PassAsync(TimeSpan.FromHours(1));
        Assert.Equal(SweepStatus.Finished, await fixture.Store.FinishAsync(coordinator));

        var overview = await fixture.OverviewAsync();
        Assert.Equal((SweepStatus.Finished, finished), (overview.Status, overview.Finished));
        Assert.Empty(await fixture.Store.Reader.UnfinishedAsync());
    }
}

public sealed class SweepLifeTestsOnSqlite() : SweepLifeTests(StoreKind.Sqlite);

public sealed class SweepLifeTestsOnPostgres() : SweepLifeTests(StoreKind.Postgres);
