using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Tests;

/// <summary>Failures that may pass, and trials that take their workers with them.</summary>
public abstract class FailureTests(StoreKind kind) : StoreTests(kind)
{
    [Fact]
    public async Task WriteAsync_FailureThatMayPass_IsTriedAgainAfterAPauseThatDoubles()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1) with { MaxAttempts = 3 });
        await using var owned = fixture;
        var leased = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));
        await fixture.Store.WriteAsync([Sample.Epoch(leased, 1), Sample.Epoch(leased, 2) with { Checkpoint = "a-2" }]);

        foreach (var pause in (int[])[5, 10])
        {
            var report = Failed(leased, 2, FailureClass.Infrastructure);
            Assert.Equal([WriteVerdict.WillRetry], await fixture.Store.WriteAsync([report]));
            Assert.Equal([WriteVerdict.Refused], await fixture.Store.WriteAsync([report]));
            Assert.Equal((1, 0), ((await fixture.OverviewAsync()).Waiting, (await fixture.OverviewAsync()).Leased));
            await fixture.PassAsync(TimeSpan.FromSeconds(pause - 4));
            Assert.Empty(await fixture.GrantAsync(coordinator, Sample.Request(1)));
            await fixture.PassAsync(TimeSpan.FromSeconds(4));
            var again = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));
            Assert.Equal((leased.Fence + 2, leased.Attempt + 1, "a-2", 2), (again.Fence, again.Attempt, again.Checkpoint, again.CheckpointEpoch));
            leased = again;
        }
        Assert.Equal([WriteVerdict.Accepted], await fixture.Store.WriteAsync([Failed(leased, 2, FailureClass.Infrastructure)]));

        var result = Assert.Single(await fixture.ResultsAsync());
        Assert.Equal((Outcome.Failed, FailureClass.Infrastructure, 2), (result.Outcome, result.Failure!.Class, result.Epochs));
    }

    [Theory]
    [InlineData(FailureClass.CodeError, 3)]
    [InlineData(FailureClass.BadData, 3)]
    [InlineData(FailureClass.NoTorch, 3)]
    [InlineData(FailureClass.OutOfMemory, 1)]
    public async Task WriteAsync_FailureThatStays_EndsTheTrial(string failureClass, int maxAttempts)
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1) with { MaxAttempts = maxAttempts });
        await using var owned = fixture;
        var leased = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));

        Assert.Equal([WriteVerdict.Accepted], await fixture.Store.WriteAsync([Failed(leased, 1, failureClass)]));

        Assert.Equal(Outcome.Failed, Assert.Single(await fixture.ResultsAsync()).Outcome);
    }

    [Fact]
    public async Task WriteAsync_FailsForEver_PausesNeverGrowBeyondFiveMinutes()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1) with { MaxAttempts = 100 });
        await using var owned = fixture;

        for (var attempt = 1; attempt < 100; attempt++)
        {
            var leased = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));
            Assert.Equal([WriteVerdict.WillRetry], await fixture.Store.WriteAsync([Failed(leased, 0, FailureClass.OutOfMemory)]));
            await fixture.PassAsync(TimeSpan.FromMinutes(5));
        }
        Assert.Equal([WriteVerdict.Accepted], await fixture.Store.WriteAsync(
            [Failed(Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1))), 0, FailureClass.OutOfMemory)]));
    }

    [Fact]
    public async Task GrantAsync_ClockSetBackWhileATrialPauses_IsGrantedAtOnce()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1) with { MaxAttempts = 3 });
        await using var owned = fixture;
        var leased = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));
        await fixture.Store.WriteAsync([Failed(leased, 0, FailureClass.Infrastructure)]);
        Assert.Empty(await fixture.GrantAsync(coordinator, Sample.Request(1)));

        // The store's clock is now a day behind what it was.
        await fixture.ExecuteAsync("UPDATE trials SET retry_at = retry_at + 86400000");

        Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));
    }

    [Fact]
    public async Task GrantAsync_LostTwice_IsLeasedAloneAfterAllOthers()
    {
        var sweep = Sample.Sweep(1, 4);
        var (fixture, coordinator) = await CreateAsync(sweep);
        await using var owned = fixture;
        await LoseAsync(fixture, coordinator, 2);
        await LoseAsync(fixture, coordinator, 2);

        var first = await fixture.GrantAsync(coordinator, Sample.Request(9, silo: "a"));
        Assert.Equal([sweep.Cells[2].Id, sweep.Cells[3].Id], first.Select(trial => trial.Trial.Cell));
        // Not beside others, in whatever slot of the silo.
        Assert.Empty(await fixture.GrantAsync(coordinator, Sample.Request(9, silo: "a")));
        Assert.Equal(sweep.Cells[0].Id, Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(9, silo: "b"))).Trial.Cell);
        // Nothing beside a suspect either: neither another suspect, nor of another sweep.
        Assert.Empty(await fixture.GrantAsync(coordinator, Sample.Request(9, silo: "b")));
        Assert.True(await fixture.Store.CreateAsync("digits-2", 2, Sample.Sweep(1, 1)));
        var other = (await fixture.Store.OpenAsync("digits-2"))!.Coordinator;
        Assert.Empty(await fixture.GrantAsync(other, Sample.Request(9, silo: "b")));
        Assert.Single(await fixture.GrantAsync(other, Sample.Request(9, silo: "c")));
        // A silo that holds a trial of another sweep gets no suspect.
        Assert.Empty(await fixture.GrantAsync(coordinator, Sample.Request(9, silo: "c")));
        Assert.Equal(sweep.Cells[1].Id, Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(9, silo: "d"))).Trial.Cell);
    }

    [Fact]
    public async Task GrantAsync_LostTwiceAlone_FailsAsWorkerKiller()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 2));
        await using var owned = fixture;
        var killer = new TrialId(Sample.SweepId, Sample.Sweep(1, 2).Cells[0].Id, 1);
        for (var loss = 0; loss < 4; loss++)
        {
            // The other one is innocent: it gets further each time.
            var leased = await fixture.GrantAsync(coordinator, Sample.Request(9, silo: "a"));
            if (loss >= 2)
                Assert.NotEqual(killer, Assert.Single(leased).Trial);
            await fixture.Store.WriteAsync([.. leased.Where(trial => trial.Trial != killer).Select(trial => Sample.Epoch(trial, loss + 1))]);
            if (loss >= 2)
                Assert.Equal(killer, Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(9, silo: "b"))).Trial);
            Assert.Equal([Sample.SweepId], (await fixture.Store.ReleaseSiloAsync("a")).Sweeps);
            // Only the fourth is one too many.
            Assert.Equal(loss == 3 ? 1 : 0, (await fixture.Store.ReleaseSiloAsync("b")).Lost.Killers);
        }

        var failed = Assert.Single(await fixture.ResultsAsync());
        Assert.Equal((killer, Outcome.Failed, FailureClass.WorkerKiller, 0), (failed.Trial, failed.Outcome, failed.Failure!.Class, failed.Epochs));
        Assert.Contains("died or fell silent 4 times", failed.Failure.Message, StringComparison.Ordinal);
        Assert.Contains("retry", failed.Failure.Message, StringComparison.Ordinal);
        Assert.Equal(1, await fixture.Store.RetryAsync(coordinator));
        Assert.Equal(2, (await fixture.GrantAsync(coordinator, Sample.Request(9))).Length);
    }

    [Fact]
    public async Task GrantAsync_LostAgainAtTheSameEpoch_IsNoProgress()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        for (var loss = 0; loss < 4; loss++)
        {
            // It dies in epoch 3, and has trained the two before anew each time.
            var leased = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));
            await fixture.Store.WriteAsync([.. Enumerable.Range(0, 3).Select(epoch => Sample.Epoch(leased, epoch))]);
            await fixture.Store.ReleaseSiloAsync("silo-1");
        }

        var failed = Assert.Single(await fixture.ResultsAsync());
        Assert.Equal((FailureClass.WorkerKiller, 2, 1.5), (failed.Failure!.Class, failed.Epochs, failed.Seconds));
        Assert.Contains("beyond epoch 2", failed.Failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReleaseSiloAsync_DurableProgressBetweenLosses_NeverMakesASuspect()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 2));
        await using var owned = fixture;
        for (var loss = 1; loss <= 10; loss++)
        {
            var leased = await fixture.GrantAsync(coordinator, Sample.Request(2));
            Assert.Equal(2, leased.Length);
            await fixture.Store.WriteAsync([.. leased.Select(trial => Sample.Epoch(trial, loss))]);
            await fixture.Store.ReleaseSiloAsync("silo-1");
        }
    }

    [Fact]
    public async Task ReleaseAsync_InGoodOrder_CountsNothing()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 2));
        await using var owned = fixture;
        for (var time = 0; time < 5; time++)
        {
            var request = Sample.Request(2);
            var leased = await fixture.GrantAsync(coordinator, request);
            Assert.Equal(2, leased.Length);
            await fixture.Store.ReleaseAsync(coordinator, request.Lease, [.. leased.Select(trial => trial.Trial)]);
        }
    }

    [Fact]
    public async Task GrantAsync_MaxLeases_CountsOnlyLeasesThatHoldATrial()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 4));
        await using var owned = fixture;
        var leased = await fixture.GrantAsync(coordinator, Capped());
        var second = Capped();
        Assert.Single(await fixture.GrantAsync(coordinator, second));

        Assert.Empty(await fixture.GrantAsync(coordinator, Capped()));
        // Repeating what was granted is no new lease.
        Assert.Single(await fixture.GrantAsync(coordinator, second));
        await fixture.Store.WriteAsync([Sample.Completion(leased[0], 1)]);
        Assert.Single(await fixture.GrantAsync(coordinator, Capped()));
        Assert.Empty(await fixture.GrantAsync(coordinator, Capped()));
        await fixture.PassAsync(Sample.LeaseTime);
        Assert.Equal(2, (await fixture.Store.GrantAsync(coordinator, Capped())).Lost.Count);

        static GrantRequest Capped() => Sample.Request(1) with { MaxLeases = 2 };
    }

    [Fact]
    public async Task GrantAsync_NotToThisSiloOrNotNow_IsHeldBack()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 2));
        await using var owned = fixture;
        await LoseAsync(fixture, coordinator, 2);
        await LoseAsync(fixture, coordinator, 2);
        Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(2, silo: "with-suspect")));
        Assert.True(await fixture.Store.CreateAsync("digits-2", 2, Sample.Sweep(1, 2)));
        var other = (await fixture.Store.OpenAsync("digits-2"))!.Coordinator;
        Assert.Single(await fixture.GrantAsync(other, Sample.Request(1, silo: "busy")));

        // It trains a suspect; it trains what a suspect must not be beside; the sweep has what it may have.
        Assert.True((await fixture.Store.GrantAsync(other, Sample.Request(1, silo: "with-suspect"))).HeldBack);
        Assert.True((await fixture.Store.GrantAsync(coordinator, Sample.Request(1, silo: "busy"))).HeldBack);
        Assert.True((await fixture.Store.GrantAsync(other, Sample.Request(1, silo: "idle") with { MaxLeases = 1 })).HeldBack);

        foreach (var sweep in (Coordinator[])[coordinator, other])
        {
            var granted = await fixture.Store.GrantAsync(sweep, Sample.Request(1, silo: $"idle-for-{sweep.SweepId}"));
            Assert.Equal((1, false), (granted.Trials.Length, granted.HeldBack));
        }
        var nothingWaits = await fixture.Store.GrantAsync(other, Sample.Request(1, silo: "busy"));
        Assert.Equal((0, false), (nothingWaits.Trials.Length, nothingWaits.HeldBack));
    }

    private static FencedReport Failed(LeasedTrial leased, int epoch, string failureClass) => new(
        new(leased.Trial, epoch, double.NaN, double.NaN, double.NaN, 0, 0, new(Outcome.Failed, Failure: new(failureClass, "it broke"))),
        leased.Fence);

    private static async Task LoseAsync(StoreFixture fixture, Coordinator coordinator, int trials)
    {
        Assert.Equal(trials, (await fixture.GrantAsync(coordinator, Sample.Request(trials, silo: "dead"))).Length);
        await fixture.Store.ReleaseSiloAsync("dead");
    }
}

public sealed class FailureTestsOnSqlite() : FailureTests(StoreKind.Sqlite);

public sealed class FailureTestsOnPostgres() : FailureTests(StoreKind.Postgres);
