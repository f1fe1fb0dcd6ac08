using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Tests;

public abstract class ReportTests(StoreKind kind) : StoreTests(kind)
{
    [Fact]
    public async Task WriteAsync_EpochsThenEnding_IsTheTrialsResult()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 2));
        await using var owned = fixture;
        var leased = await fixture.GrantAsync(coordinator, Sample.Request(1));

        Assert.Equal([WriteVerdict.Accepted, WriteVerdict.Accepted],
            await fixture.Store.WriteAsync([Sample.Epoch(leased[0], 1), Sample.Epoch(leased[0], 2)]));
        Assert.Empty(await fixture.ResultsAsync());
        Assert.Equal([WriteVerdict.Accepted], await fixture.Store.WriteAsync([Sample.Completion(leased[0], 4)]));

        Assert.Equal(
            new TrialResult(leased[0].Trial, Outcome.Completed, 0.25, 0.5, 0.75, 0.25, 0.875, 4, 1.5, 1, null),
            Assert.Single(await fixture.ResultsAsync()));
        var overview = await fixture.OverviewAsync();
        Assert.Equal((1, 0, 1), (overview.Waiting, overview.Leased, overview.ByOutcome[Outcome.Completed]));
        Assert.Equal("1|2|4", await fixture.LinesAsync("SELECT CAST(epoch AS TEXT) FROM epochs ORDER BY epoch"));
    }

    [Fact]
    public async Task WriteAsync_Repeated_IsAlreadyAccepted()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        var leased = await fixture.GrantAsync(coordinator, Sample.Request(1));
        FencedReport[] reports = [Sample.Epoch(leased[0], 1), Sample.Completion(leased[0], 2)];
        Assert.All(await fixture.Store.WriteAsync(reports), verdict => Assert.Equal(WriteVerdict.Accepted, verdict));
        var results = await fixture.ResultsAsync();

        Assert.Equal(Enumerable.Repeat(WriteVerdict.AlreadyAccepted, 4), await fixture.Store.WriteAsync([.. reports, .. reports]));

        Assert.Equal(results, await fixture.ResultsAsync());
    }

    [Fact]
    public async Task WriteAsync_OtherEndingAfterTheEnding_IsRefused()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        var leased = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));
        await fixture.Store.WriteAsync([Sample.Epoch(leased, 1), Sample.Completion(leased, 2)]);
        var results = await fixture.ResultsAsync();

        Assert.Equal(Enumerable.Repeat(WriteVerdict.Refused, 4), await fixture.Store.WriteAsync(
        [
            Sample.Completion(leased, 3),
            Sample.Completion(leased, 1),
            Sample.Epoch(leased, 2, new(Outcome.Stopped)),
            Sample.Epoch(leased, 3),
        ]));

        Assert.Equal(results, await fixture.ResultsAsync());
    }

    [Fact]
    public async Task WriteAsync_EndingOfAnEpochAlreadyWritten_EndsTheTrial()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        var leased = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));
        await fixture.Store.WriteAsync([Sample.Epoch(leased, 3)]);

        Assert.Equal([WriteVerdict.Accepted], await fixture.Store.WriteAsync([Sample.Epoch(leased, 3, new(Outcome.Stopped))]));

        var result = Assert.Single(await fixture.ResultsAsync());
        Assert.Equal((Outcome.Stopped, 3, 0.5), (result.Outcome, result.Epochs, result.Seconds));
    }

    [Fact]
    public async Task WriteAsync_FailureBeforeTheFirstEpoch_EndsTheTrialWithoutAnEpoch()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        var leased = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));
        var failure = new Failure("bad-data", "no such file");
        FencedReport[] report =
            [new(new(leased.Trial, 0, double.NaN, double.NaN, double.NaN, 0, 0, new(Outcome.Failed, Failure: failure)), leased.Fence)];

        Assert.Equal([WriteVerdict.Accepted], await fixture.Store.WriteAsync(report));
        Assert.Equal([WriteVerdict.AlreadyAccepted], await fixture.Store.WriteAsync(report));

        Assert.Equal(new TrialResult(leased.Trial, Outcome.Failed, null, null, null, null, null, 0, 0, 1, failure),
            Assert.Single(await fixture.ResultsAsync()));
        Assert.Equal(0L, await fixture.QueryAsync<long>("SELECT COUNT(*) FROM epochs"));
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    public async Task WriteAsync_NumberNotFinite_IsNull(double number)
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        var leased = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));

        Assert.Equal([WriteVerdict.Accepted], await fixture.Store.WriteAsync(
            [new(new(leased.Trial, 1, number, number, number, 40, number, new(Outcome.Diverged, number, number)), leased.Fence)]));

        Assert.Equal(new TrialResult(leased.Trial, Outcome.Diverged, null, null, null, null, null, 1, 0, 1, null),
            Assert.Single(await fixture.ResultsAsync()));
        Assert.Equal(1L, await fixture.QueryAsync<long>("""
            SELECT COUNT(*) FROM epochs
            WHERE train_loss IS NULL AND validation_loss IS NULL AND validation_accuracy IS NULL AND seconds = 0
            """));
    }

    [Fact]
    public async Task WriteAsync_StaleFence_IsRefusedAndWritesNothing()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        var stale = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));
        await fixture.PassAsync(Sample.LeaseTime);
        var current = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));
        Assert.Equal(stale.Fence + 1, current.Fence);

        Assert.Equal([WriteVerdict.Refused, WriteVerdict.Refused, WriteVerdict.Refused], await fixture.Store.WriteAsync(
            [Sample.Epoch(stale, 1), Sample.Completion(stale, 2), Sample.Completion(stale with { Fence = current.Fence + 1 }, 2)]));

        Assert.Equal(0L, await fixture.QueryAsync<long>("SELECT COUNT(*) FROM epochs"));
        Assert.Equal((0, 1), ((await fixture.OverviewAsync()).Waiting, (await fixture.OverviewAsync()).Leased));
    }

    [Fact]
    public async Task WriteAsync_TrainedAgain_LeavesNoEpochOfTheOlderFence()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 2));
        await using var owned = fixture;
        var old = await fixture.GrantAsync(coordinator, Sample.Request(2));
        await fixture.Store.WriteAsync([.. old.SelectMany(trial => Enumerable.Range(1, 5).Select(epoch => Sample.Epoch(trial, epoch)))]);
        await fixture.PassAsync(Sample.LeaseTime);
        var current = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));

        await fixture.Store.WriteAsync([Sample.Epoch(current, 1), Sample.Completion(current, 2)]);

        var result = Assert.Single(await fixture.ResultsAsync());
        Assert.Equal((Outcome.Completed, 2, 1.0), (result.Outcome, result.Epochs, result.Seconds));
        Assert.Equal("1:2|2:2", await fixture.LinesAsync(
            "SELECT epoch || ':' || fence FROM epochs WHERE trial = (SELECT MIN(trial) FROM epochs) ORDER BY epoch"));
        Assert.Equal(5L, await fixture.QueryAsync<long>("SELECT COUNT(*) FROM epochs WHERE trial = (SELECT MAX(trial) FROM epochs)"));
    }

    [Fact]
    public async Task WriteAsync_ResumedFromAnEpoch_KeepsWhatTheOlderFenceTrainedBefore()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        var old = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));
        await fixture.Store.WriteAsync([.. Enumerable.Range(1, 5).Select(epoch => Sample.Epoch(old, epoch))]);
        await fixture.PassAsync(Sample.LeaseTime);
        var current = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));

        await fixture.Store.WriteAsync([Sample.Completion(current, 3)]);

        Assert.Equal("1:1|2:1|3:2", await fixture.LinesAsync("SELECT epoch || ':' || fence FROM epochs ORDER BY epoch"));
        Assert.Equal(1.5, Assert.Single(await fixture.ResultsAsync()).Seconds);
    }

    [Fact]
    public async Task WriteAsync_RepeatedUnderAnOlderFence_EpochIsAlreadyAcceptedButItsEndingRefused()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        var old = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));
        await fixture.Store.WriteAsync([Sample.Epoch(old, 1)]);
        await fixture.PassAsync(Sample.LeaseTime);
        await fixture.GrantAsync(coordinator, Sample.Request(1));

        Assert.Equal([WriteVerdict.AlreadyAccepted, WriteVerdict.Refused],
            await fixture.Store.WriteAsync([Sample.Epoch(old, 1), Sample.Completion(old, 1)]));
    }

    [Fact]
    public async Task WriteAsync_BadRowsInABatch_AreInvalidAndHarmNoOther()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 9));
        await using var owned = fixture;
        var leased = await fixture.GrantAsync(coordinator, Sample.Request(9));
        var reports = leased.Select(trial => Sample.Completion(trial, 1)).ToArray();
        reports[2] = Sample.Epoch(leased[2], -1);
        reports[3] = Sample.Epoch(leased[3], int.MinValue);
        reports[5] = Sample.Epoch(leased[5], 1, new(Outcome.Completed, Failure: new("code-error", "completed and failed")));
        reports[7] = Sample.Completion(leased[7] with { Trial = leased[7].Trial with { Replicate = 2 } }, 1);
        reports[8] = Sample.Completion(leased[8] with { Trial = new("none-1", "0123456789abcdef", 1) }, 1);

        var verdicts = await fixture.Store.WriteAsync(reports);

        Assert.Equal([2, 3, 5, 7, 8],
            verdicts.Index().Where(verdict => verdict.Item == WriteVerdict.Invalid).Select(verdict => verdict.Index));
        Assert.Equal(4, verdicts.Count(verdict => verdict == WriteVerdict.Accepted));
        Assert.Equal(new[] { 0, 1, 4, 6 }.Select(at => leased[at].Trial), (await fixture.ResultsAsync()).Select(result => result.Trial));
        Assert.Equal(4L, await fixture.QueryAsync<long>("SELECT COUNT(*) FROM epochs"));
    }

    [Fact]
    public async Task WriteAsync_Nothing_NoVerdict()
    {
        await using var fixture = await CreateAsync();

        Assert.Empty(await fixture.Store.WriteAsync([]));
    }

    [Fact]
    public async Task WriteAsync_LeaseOverButNobodyTookIt_IsAccepted()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        var leased = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));
        await fixture.PassAsync(Sample.LeaseTime * 2);
        await fixture.Store.ReleaseAllAsync();

        Assert.Equal([WriteVerdict.Accepted], await fixture.Store.WriteAsync([Sample.Completion(leased, 1)]));

        Assert.Empty(await fixture.GrantAsync(coordinator, Sample.Request(1)));
        Assert.Equal(SweepStatus.Finished, await fixture.Store.FinishAsync(coordinator));
    }

    private static readonly GradientHealth Health = new(
        [
            new(0.5f, float.PositiveInfinity, 1e-12f, float.NaN, float.NaN, 0.25f, 0, float.NaN),
            new(float.NegativeInfinity, 1, 3, 4, 5, 6, 7, 8),
        ],
        Ailments.Exploding | Ailments.Saturated);

    [Fact]
    public async Task WriteAsync_GradientHealth_IsStoredWithoutANumberThatIsNone()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        var leased = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));
        var (start, end) = (Sample.Epoch(leased, 0), Sample.Completion(leased, 1));

        await fixture.Store.WriteAsync(
        [
            start with { Report = start.Report with { TrainLoss = double.NaN, Health = Health } },
            end with { Report = end.Report with { Health = Health with { Ailments = Ailments.None } } },
        ]);

        var epochs = await fixture.Store.Reader.ReadEpochsAsync(leased.Trial, CancellationToken.None);
        Assert.Equal([(0, (double?)null), (1, 1.0)], epochs.Select(epoch => (epoch.Epoch, epoch.TrainLoss)));
        Assert.Equal(Ailments.Exploding | Ailments.Saturated, epochs[0].Health!.Ailments);
        Assert.Equal(Health.Layers[0], epochs[0].Health!.Layers[0]);
        Assert.Equal(float.PositiveInfinity, epochs[0].Health!.Layers[1].Mean);
        var result = Assert.Single(await fixture.ResultsAsync());
        Assert.Equal((Ailments.Exploding | Ailments.Saturated, Ailments.None, 1), (result.AilmentsStart, result.AilmentsEnd, result.Epochs));
        var blob = await fixture.QueryAsync<byte[]>("SELECT health FROM epochs WHERE epoch = 0");
        Assert.All(Enumerable.Range(0, blob.Length / 4), at => Assert.True(float.IsFinite(BitConverter.ToSingle(blob, 4 * at))));
    }

    [Fact]
    public async Task WriteAsync_NobodyLookedAtGradients_SaysSo()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        var leased = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));
        await fixture.Store.WriteAsync([Sample.Epoch(leased, 0), Sample.Completion(leased, 1)]);

        var result = Assert.Single(await fixture.ResultsAsync());

        Assert.Equal((null, null), (result.AilmentsStart, result.AilmentsEnd));
        Assert.All(await fixture.Store.Reader.ReadEpochsAsync(leased.Trial, CancellationToken.None), epoch => Assert.Null(epoch.Health));
    }

    [Fact]
    public async Task WriteAsync_EpochWithCheckpoint_IsWhatTheNextLeaseGoesOnFrom()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 2));
        await using var owned = fixture;
        var old = await fixture.GrantAsync(coordinator, Sample.Request(2));
        await fixture.Store.WriteAsync(
        [
            .. Enumerable.Range(0, 3).Select(epoch => Sample.Epoch(old[0], epoch)),
            Sample.Epoch(old[0], 3) with { Checkpoint = "a-3" },
            Sample.Epoch(old[0], 4),
        ]);
        await fixture.PassAsync(Sample.LeaseTime);

        // What goes on from different files is leased apart.
        var current = await fixture.GrantAsync(coordinator, Sample.Request(2));
        var other = await fixture.GrantAsync(coordinator, Sample.Request(2));
        Assert.Equal(["a-3", null], [.. current.Concat(other).Select(trial => trial.Checkpoint)]);
        // Too late: another goes on from the file that is stored, which who sent this must hear.
        Assert.Equal([WriteVerdict.Refused, WriteVerdict.Refused, WriteVerdict.AlreadyAccepted, WriteVerdict.AlreadyAccepted],
            await fixture.Store.WriteAsync(
            [
                Sample.Epoch(old[0], 4) with { Checkpoint = "a-4" }, Sample.Epoch(old[0], 5) with { Checkpoint = "a-5" },
                Sample.Epoch(old[0], 3) with { Checkpoint = "a-3" }, Sample.Epoch(old[0], 4),
            ]));
        Assert.Equal(["a-3"], await fixture.Store.Reader.ReadCheckpointsAsync());

        await fixture.Store.WriteAsync([Sample.Epoch(current[0], 4)]);
        Assert.Equal("0:1|1:1|2:1|3:1|4:2", await fixture.LinesAsync("SELECT epoch || ':' || fence FROM epochs ORDER BY epoch"));
        Assert.Equal(["a-3"], await fixture.Store.Reader.ReadCheckpointsAsync());

        await fixture.Store.WriteAsync([Sample.Completion(current[0], 5)]);
        Assert.Empty(await fixture.Store.Reader.ReadCheckpointsAsync());
    }

    [Fact]
    public async Task WriteAsync_CheckpointOfAnEpochAlreadyWritten_IsTaken()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        var leased = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));
        await fixture.Store.WriteAsync([Sample.Epoch(leased, 1)]);

        Assert.Equal([WriteVerdict.AlreadyAccepted], await fixture.Store.WriteAsync([Sample.Epoch(leased, 1) with { Checkpoint = "a-1" }]));

        Assert.Equal(["a-1"], await fixture.Store.Reader.ReadCheckpointsAsync());
    }

    [Fact]
    public async Task WriteAsync_TrainedAnewFromTheStart_ForgetsTheCheckpoint()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        var old = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));
        await fixture.Store.WriteAsync([Sample.Epoch(old, 4), Sample.Epoch(old, 5) with { Checkpoint = "a-5" }]);
        await fixture.PassAsync(Sample.LeaseTime);
        var current = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));

        await fixture.Store.WriteAsync([Sample.Epoch(current, 0)]);

        Assert.Empty(await fixture.Store.Reader.ReadCheckpointsAsync());
    }

    [Fact]
    public async Task WriteAsync_FailureAfterResuming_KeepsTheEpochsThatWereTrained()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        var old = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));
        await fixture.Store.WriteAsync([.. Enumerable.Range(1, 3).Select(epoch => Sample.Epoch(old, epoch) with { Checkpoint = $"a-{epoch}" })]);
        await fixture.PassAsync(Sample.LeaseTime);
        var current = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));
        var failure = new Ending(Outcome.Failed, Failure: new("code-error", "no gradient"));

        Assert.Equal([WriteVerdict.Accepted], await fixture.Store.WriteAsync(
            [new(new(current.Trial, 2, double.NaN, double.NaN, double.NaN, 0, 0, failure), current.Fence)]));

        Assert.Equal("1:1|2:1", await fixture.LinesAsync("SELECT epoch || ':' || fence FROM epochs ORDER BY epoch"));
        Assert.Equal((Outcome.Failed, 2, 1.0), (await fixture.ResultsAsync()).Select(result => (result.Outcome, result.Epochs, result.Seconds)).Single());
        Assert.Empty(await fixture.Store.Reader.ReadCheckpointsAsync());
    }

    [Fact]
    public async Task ReadProvenanceAsync_LeasedTrial_IsItsWorkers()
    {
        var (fixture, coordinator) = await CreateAsync(Sample.Sweep(1, 2));
        await using var owned = fixture;
        var leased = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));

        Assert.Equal(Sample.Provenance, await fixture.Store.Reader.ReadProvenanceAsync(leased.Trial, CancellationToken.None));
        Assert.Null(await fixture.Store.Reader.ReadProvenanceAsync(leased.Trial with { Replicate = 2 }, CancellationToken.None));
    }
}

public sealed class ReportTestsOnSqlite() : ReportTests(StoreKind.Sqlite);

public sealed class ReportTestsOnPostgres() : ReportTests(StoreKind.Postgres);
