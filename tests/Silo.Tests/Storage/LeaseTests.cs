using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Store;

namespace DeepTrain.Cluster.Silo.Tests;

public abstract class LeaseTests(StoreKind kind) : StoreTests(kind)
{
    private static readonly TimeSpan PastLease = Sample.LeaseTime + TimeSpan.FromMilliseconds(1);

    [Fact]
    public async Task GrantAsync_OneReplicate_TakesCellsInOrderWithFenceAndConfiguration()
    {
        var sweep = Sample.Sweep(2, (0.3, 32), (0.1, 32), (0.2, 32));
        var (fixture, coordinator) = await CreateAsync(sweep);
        await using var owned = fixture;

        var first = await fixture.GrantAsync(coordinator, Sample.Request(2));
        var second = await fixture.GrantAsync(coordinator, Sample.Request(9));

        Assert.Equal(
            sweep.Cells.Take(2).Select(cell => new LeasedTrial(new(Sample.SweepId, cell.Id, 1), 1, 1, cell.Configuration.Json)), first);
        Assert.Equal([(sweep.Cells[2].Id, 1)], Places(second));
        Assert.Equal((3, 3), ((await fixture.OverviewAsync()).Waiting, (await fixture.OverviewAsync()).Leased));
    }

    [Fact]
    public async Task GrantAsync_AnotherWorker_TrialsKeepWhatItTrainsWith()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(2, 1));
        await using var owned = fixture;

        await fixture.GrantAsync(coordinator, Sample.Request(1));
        await fixture.GrantAsync(coordinator, Sample.Request(1) with { Worker = Sample.Provenance with { CpuCapability = "AVX512" } });

        Assert.Equal("1 0.1.0+abc 2.10.0 AVX2 cpu|2 0.1.0+abc 2.10.0 AVX512 cpu", await fixture.LinesAsync("""
            SELECT t.replicate || ' ' || p.code_version || ' ' || p.libtorch || ' ' || p.cpu_capability || ' ' || p.device
            FROM trials t JOIN provenances p ON p.key = t.provenance ORDER BY t.replicate
            """));
    }

    [Fact]
    public async Task GrantAsync_AnotherKindOfDeviceThanTheFirst_IsHeldBack()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 3));
        await using var owned = fixture;
        Assert.Null((await fixture.OverviewAsync()).Device);

        Assert.Single(await fixture.GrantAsync(coordinator, OnGpu(Sample.Request(1))));
        var other = await fixture.Store.GrantAsync(coordinator, Sample.Request(9));
        Assert.True(other is { Trials: [], HeldBack: true });

        Assert.Equal("cuda", (await fixture.OverviewAsync()).Device);
        var reopened = (await fixture.Store.OpenAsync(Sample.SweepId))!;
        Assert.Equal("cuda", reopened.Device);
        Assert.Empty(await fixture.GrantAsync(reopened.Coordinator, Sample.Request(9)));
        Assert.Equal(2, (await fixture.GrantAsync(reopened.Coordinator, OnGpu(Sample.Request(9)))).Length);
    }

    [Fact]
    public async Task GrantAsync_KindOfDeviceThatTheFileAsksFor_HoldsUntilTheFirstLease()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 2));
        await using var owned = fixture;

        Assert.Empty(await fixture.GrantAsync(coordinator, Sample.Request(1) with { Device = "cuda" }));
        Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1) with { Device = "cpu" }));
        Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1) with { Device = "cuda" }));
    }

    private static GrantRequest OnGpu(GrantRequest request) => request with { Worker = request.Worker with { Device = "cuda" } };

    [Fact]
    public async Task GrantAsync_AcrossReplicates_FillsWithTheNextReplicate()
    {
        var sweep = Sample.Sweep(3, 2);
        var (fixture, coordinator) = await CreateAsync(sweep);
        await using var owned = fixture;

        var leased = await fixture.GrantAsync(coordinator, Sample.Request(5, acrossReplicates: true));

        var (first, second) = (sweep.Cells[0].Id, sweep.Cells[1].Id);
        Assert.Equal([(first, 1), (second, 1), (first, 2), (second, 2), (first, 3)],
            Places(leased));
    }

    [Fact]
    public async Task GrantAsync_TwoFusionKeys_CohortIsOfTheHeadsKey()
    {
        var sweep = Sample.Sweep(1, (0.1, 64), (0.1, 32), (0.2, 64), (0.2, 32));
        var (fixture, coordinator) = await CreateAsync(sweep);
        await using var owned = fixture;

        Assert.Equal([(sweep.Cells[0].Id, 1), (sweep.Cells[2].Id, 1)],
            Places(await fixture.GrantAsync(coordinator, Sample.Request(9))));
        Assert.Equal([(sweep.Cells[1].Id, 1), (sweep.Cells[3].Id, 1)],
            Places(await fixture.GrantAsync(coordinator, Sample.Request(9))));
    }

    [Fact]
    public async Task GrantAsync_HeadsKeyHasNoLimit_TakesTheFirstTrialWhoseKeyHasOne()
    {
        var sweep = Sample.Sweep(2, (0.1, 64), (0.1, 32), (0.2, 32));
        var (fixture, coordinator) = await CreateAsync(sweep);
        await using var owned = fixture;
        var only32 = ImmutableDictionary<string, CohortLimit>.Empty.Add(Sample.FusionKey(32), new(9, AcrossReplicates: false));
        var none = only32.Clear().Add(Sample.FusionKey(32), new(0, AcrossReplicates: true));

        Assert.Empty(await fixture.GrantAsync(coordinator, Sample.Request(none)));
        Assert.Equal([(sweep.Cells[1].Id, 1), (sweep.Cells[2].Id, 1)],
            Places(await fixture.GrantAsync(coordinator, Sample.Request(only32))));
        Assert.Equal([(sweep.Cells[1].Id, 2), (sweep.Cells[2].Id, 2)],
            Places(await fixture.GrantAsync(coordinator, Sample.Request(only32))));
        Assert.Empty(await fixture.GrantAsync(coordinator, Sample.Request(only32)));
    }

    [Fact]
    public async Task GrantAsync_SameLeaseAgain_ReturnsWhatItHoldsAndGrantsNothingMore()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 6));
        await using var owned = fixture;
        var request = Sample.Request(3);
        var leased = await fixture.GrantAsync(coordinator, request);

        Assert.Equal(leased, await fixture.GrantAsync(coordinator, request));
        await fixture.Store.WriteAsync([Sample.Completion(leased[0], 1)]);
        Assert.Equal(leased[1..], await fixture.GrantAsync(coordinator, request));
        await fixture.Store.ReleaseAsync(coordinator, request.Lease, [.. leased.Select(trial => trial.Trial)]);
        Assert.Empty(await fixture.GrantAsync(coordinator, request));
        await fixture.PassAsync(PastLease);
        Assert.Equal(5, (await fixture.GrantAsync(coordinator, Sample.Request(9))).Length);
        Assert.Empty(await fixture.GrantAsync(coordinator, request));
    }

    [Fact]
    public async Task GrantAsync_NothingWaits_LeavesNoTrace()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        await fixture.GrantAsync(coordinator, Sample.Request(1));
        var request = Sample.Request(1, takeExpired: false);

        Assert.Empty(await fixture.GrantAsync(coordinator, request));

        Assert.Equal(1L, await fixture.QueryAsync<long>("SELECT COUNT(*) FROM leases"));
    }

    [Fact]
    public async Task GrantAsync_LeaseOver_TakesItsTrialsOnlyWhereAllowed()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 2));
        await using var owned = fixture;
        var leased = await fixture.GrantAsync(coordinator, Sample.Request(2));

        await fixture.PassAsync(Sample.LeaseTime - TimeSpan.FromSeconds(10));
        Assert.Empty(await fixture.GrantAsync(coordinator, Sample.Request(2)));
        await fixture.PassAsync(TimeSpan.FromSeconds(10));
        Assert.Empty(await fixture.GrantAsync(coordinator, Sample.Request(2, takeExpired: false)));
        var again = await fixture.GrantAsync(coordinator, Sample.Request(2));

        Assert.Equal(leased.Select(trial => trial with { Fence = 2, Attempt = 2 }), again);
    }

    [Fact]
    public async Task GrantAsync_ExpiredAndWaitingTrials_AreTakenInOneOrder()
    {
        var sweep = Sample.Sweep(1, 4);
        var (fixture, coordinator) = await CreateAsync(sweep);
        await using var owned = fixture;
        var expired = Guid.NewGuid();
        var leased = await fixture.GrantAsync(coordinator, Sample.Request(3, lease: expired));
        await fixture.Store.ReleaseAsync(coordinator, expired, [leased[1].Trial]);
        await fixture.PassAsync(PastLease);

        Assert.Equal(sweep.Cells.Select(cell => (cell.Id, 1)), Places(await fixture.GrantAsync(coordinator, Sample.Request(9))));
    }

    [Fact]
    public async Task GrantAsync_OtherSweepsTrials_AreNeverTaken()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        Assert.True(await fixture.Store.CreateAsync("digits-2", 2, Sample.Sweep(1, 1)));
        var other = (await fixture.Store.OpenAsync("digits-2"))!.Coordinator;
        var lease = Guid.NewGuid();

        Assert.Equal(Sample.SweepId,
            Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(9, true, lease))).Trial.Sweep);
        Assert.Equal("digits-2", Assert.Single(await fixture.GrantAsync(other, Sample.Request(9, true, lease))).Trial.Sweep);
        await fixture.PassAsync(PastLease);
        Assert.Equal(Sample.SweepId, Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(9, true))).Trial.Sweep);
    }

    [Fact]
    public async Task RenewAsync_LiveLease_GivesItsFullTimeAgain()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        var request = Sample.Request(1);
        await fixture.GrantAsync(coordinator, request);

        await fixture.PassAsync(Sample.LeaseTime / 2);
        Assert.Equal([request.Lease], await fixture.Store.RenewAsync(coordinator, [request.Lease, Guid.NewGuid()], Sample.LeaseTime));
        await fixture.PassAsync(Sample.LeaseTime - TimeSpan.FromSeconds(10));

        Assert.Empty(await fixture.GrantAsync(coordinator, Sample.Request(1)));
    }

    [Fact]
    public async Task RenewAsync_LeaseOverButNotTaken_IsRevived()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 2));
        await using var owned = fixture;
        var request = Sample.Request(2);
        var leased = await fixture.GrantAsync(coordinator, request);
        await fixture.PassAsync(PastLease);

        Assert.Equal([request.Lease], await fixture.Store.RenewAsync(coordinator, [request.Lease], Sample.LeaseTime));

        Assert.Empty(await fixture.GrantAsync(coordinator, Sample.Request(1)));
        Assert.Equal([WriteVerdict.Accepted, WriteVerdict.Accepted],
            await fixture.Store.WriteAsync([Sample.Completion(leased[0], 1), Sample.Completion(leased[1], 1)]));
    }

    [Fact]
    public async Task RenewAsync_LeaseOverAndTaken_IsLostWithAllItsTrials()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 2));
        await using var owned = fixture;
        var request = Sample.Request(2);
        var leased = await fixture.GrantAsync(coordinator, request);
        await fixture.PassAsync(PastLease);
        // Another is granted only one of the two.
        var granted = await fixture.Store.GrantAsync(coordinator, Sample.Request(1));
        Assert.Equal((leased[0].Trial, 2), (Assert.Single(granted.Trials).Trial, granted.Lost.Count));

        Assert.Empty(await fixture.Store.RenewAsync(coordinator, [request.Lease], Sample.LeaseTime));

        // What nobody else has been granted may still be written.
        Assert.Equal([WriteVerdict.Refused, WriteVerdict.Accepted],
            await fixture.Store.WriteAsync([Sample.Completion(leased[0], 1), Sample.Completion(leased[1], 1)]));
    }

    [Fact]
    public async Task RenewAsync_AllTaken_IsLost()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        var request = Sample.Request(1);
        await fixture.GrantAsync(coordinator, request);
        await fixture.PassAsync(PastLease);
        var taker = Sample.Request(1);
        Assert.Single(await fixture.GrantAsync(coordinator, taker));

        Assert.Equal([taker.Lease], await fixture.Store.RenewAsync(coordinator, [request.Lease, taker.Lease], Sample.LeaseTime));
    }

    [Fact]
    public async Task ReleaseAsync_SomeTrials_OnlyThoseWaitAgain()
    {
        var sweep = Sample.Sweep(1, 3);
        var (fixture, coordinator) = await CreateAsync(sweep);
        await using var owned = fixture;
        var request = Sample.Request(2);
        var leased = await fixture.GrantAsync(coordinator, request);
        var other = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));

        // Neither another lease's trial, nor one that does not exist, is released.
        await fixture.Store.ReleaseAsync(coordinator, request.Lease,
            [leased[1].Trial, other.Trial, new(Sample.SweepId, sweep.Cells[0].Id, 7), leased[0].Trial with { Sweep = "digits-2" }]);
        await fixture.Store.ReleaseAsync(coordinator, Guid.NewGuid(), [leased[0].Trial]);

        Assert.Equal([leased[1] with { Fence = 2, Attempt = 2 }], await fixture.GrantAsync(coordinator, Sample.Request(9)));
        Assert.Equal([leased[0]], await fixture.GrantAsync(coordinator, request));
    }

    [Fact]
    public async Task ReleaseSiloAsync_DeadSilo_OnlyItsTrialsWaitAgain()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 3));
        await using var owned = fixture;
        var dead = await fixture.GrantAsync(coordinator, Sample.Request(2, silo: "dead"));
        var alive = Sample.Request(1, silo: "alive");
        await fixture.GrantAsync(coordinator, alive);

        var taken = await fixture.Store.ReleaseSiloAsync("dead");
        Assert.Equal([Sample.SweepId], taken.Sweeps);
        Assert.Equal(2, taken.Lost.Count);
        Assert.Equal(0, (await fixture.Store.ReleaseSiloAsync("dead")).Lost.Count);

        Assert.Equal(dead.Select(trial => trial.Trial),
            (await fixture.GrantAsync(coordinator, Sample.Request(9, takeExpired: false))).Select(trial => trial.Trial));
        Assert.Equal([alive.Lease], await fixture.Store.RenewAsync(coordinator, [alive.Lease], Sample.LeaseTime));
    }

    [Fact]
    public async Task ReleaseAllAsync_LeasedTrials_AllWaitAgain()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 3));
        await using var owned = fixture;
        var done = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));
        await fixture.Store.WriteAsync([Sample.Completion(done, 1)]);
        await fixture.GrantAsync(coordinator, Sample.Request(2));

        await fixture.Store.ReleaseAllAsync();

        var overview = await fixture.OverviewAsync();
        Assert.Equal((2, 0, 3), (overview.Waiting, overview.Leased, overview.Total));
    }

    private static IEnumerable<(string Cell, int Replicate)> Places(IEnumerable<LeasedTrial> trials) =>
        trials.Select(trial => (trial.Trial.Cell, trial.Trial.Replicate));
}

public sealed class LeaseTestsOnSqlite() : LeaseTests(StoreKind.Sqlite);

public sealed class LeaseTestsOnPostgres() : LeaseTests(StoreKind.Postgres);
