using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Dispatch;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Grains.Tests;

public sealed class SweepGrainTests : IAsyncLifetime
{
    private GrainCluster _cluster = null!;

    public async ValueTask InitializeAsync() => _cluster = await GrainCluster.StartAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Submit_NewName_CreatesAndCountsItsTrials()
    {
        var submission = await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 3), asNew: false);

        Assert.Equal((SubmissionKind.Created, 6), (submission.Kind, submission.AddedTrials));
        var progress = await _cluster.Sweep("digits-1").GetProgress();
        Assert.Equal((6, 6, 0, SweepStatus.Running), (progress!.Total, progress.Waiting, progress.Ended, progress.Status));
    }

    [Fact]
    public async Task Submit_SameFile_Resumes()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 3), asNew: false);

        var again = await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 3) + "\n# a comment", asNew: false);

        Assert.Equal(SubmissionKind.Resumed, again.Kind);
    }

    [Fact]
    public async Task Submit_TakenIdAsNew_IsRefusedAsTaken()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1", 1), asNew: false);

        Assert.Equal(SubmissionKind.Taken, (await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 1), asNew: true)).Kind);
    }

    [Fact]
    public async Task Submit_StoringTakesLongerThanOtherCallsMay_IsWaitedForAndFoundByARepeat()
    {
        await using var cluster = await GrainCluster.StartAsync(answerTime: TimeSpan.FromSeconds(1));
        var sweep = cluster.Sweep("digits-1");
        var storing = cluster.Writes.Next(nameof(ISweepStore.CreateAsync));
        var first = sweep.Submit(Files.Sweep("0.1, 0.2", 1), asNew: true);
        await storing.Reached.Task.WaitAsync(TimeSpan.FromSeconds(20));

        var again = sweep.Submit(Files.Sweep("0.1, 0.2", 1), asNew: true);
        await Assert.ThrowsAsync<TimeoutException>(sweep.GetProgress);
        storing.Released.SetResult();

        Assert.Equal((SubmissionKind.Created, 2), ((await first).Kind, (await first).AddedTrials));
        Assert.Equal(("digits-1", SubmissionKind.Resumed), ((await again).SweepId, (await again).Kind));
    }

    [Fact]
    public async Task Submit_OtherMomentum_IsRefusedWithTheDifference()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1", 1), asNew: false);

        var refused = await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1", 1, training: "momentum: 0.5"), asNew: false);

        Assert.Equal(SubmissionKind.Refused, refused.Kind);
        Assert.Contains("momentum", Assert.Single(refused.Differences), StringComparison.Ordinal);
        Assert.Contains("momentum: 0.9", await _cluster.Store.Reader.ReadTextAsync("digits-1", CancellationToken.None), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Submit_OtherDevice_IsTakenOverUntilATrialIsLeased()
    {
        var sweep = _cluster.Sweep("digits-1");
        await sweep.Submit(Files.Sweep("0.1, 0.2", 1) + "\ndevice: cuda\n", asNew: false);
        Assert.Null(await NextAsync(0));

        await sweep.Submit(Files.Sweep("0.1, 0.2", 1) + "\ndevice: cpu\n", asNew: false);
        Assert.Equal("digits-1", await NextAsync(0));
        Assert.Single(await _cluster.LeaseAsync("digits-1", 1));

        var refused = await sweep.Submit(Files.Sweep("0.1, 0.2", 1) + "\ndevice: cuda\n", asNew: false);
        Assert.Equal(SubmissionKind.Refused, refused.Kind);
        Assert.Equal(["device: cpu -> cuda"], refused.Differences);
        // Without a word it stays what it is.
        Assert.NotEqual(SubmissionKind.Refused, (await sweep.Submit(Files.Sweep("0.1, 0.2", 1), asNew: false)).Kind);
    }

    [Fact]
    public async Task Submit_MoreReplicatesAfterTheEnd_LeasesOnlyTheNewTrials()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 1), asNew: false);
        await _cluster.CompleteAsync("digits-1", await _cluster.LeaseAsync("digits-1", 10), 0.9);
        Assert.Equal(SweepStatus.Finished, (await _cluster.Sweep("digits-1").GetProgress())!.Status);

        var extended = await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 2), asNew: false);

        Assert.Equal((SubmissionKind.Extended, 2), (extended.Kind, extended.AddedTrials));
        var leased = await _cluster.LeaseAsync("digits-1", 10);
        Assert.Equal([2, 2], leased.Select(trial => trial.Trial.Replicate));
    }

    [Fact]
    public async Task Submit_BrokenFile_ThrowsAndStoresNothing()
    {
        await Assert.ThrowsAsync<ArgumentException>(() => _cluster.Sweep("digits-1").Submit("name: digits\nspace: [", asNew: false));

        Assert.Null(await _cluster.Store.Reader.FindAsync("digits-1", CancellationToken.None));
        Assert.Null(await _cluster.Sweep("digits-1").GetProgress());
    }

    [Fact]
    public async Task Lease_WithoutCohortSizes_AsksForThemAndGrantsNothing()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 1), asNew: false);

        var reply = await _cluster.Sweep("digits-1")
            .Lease(new(Guid.NewGuid(), _cluster.Slot(), 1, ImmutableDictionary<string, int>.Empty, GrainCluster.Somewhere));

        Assert.Single(reply.Unsized);
        Assert.Empty(reply.Trials);
        Assert.Equal(2, (await _cluster.Store.Reader.FindAsync("digits-1", CancellationToken.None))!.Waiting);
    }

    [Fact]
    public async Task Lease_Repeated_ReturnsTheSameCohort()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2, 0.3, 0.4", 2), asNew: false);
        var lease = Guid.NewGuid();

        var first = await _cluster.LeaseAsync("digits-1", 2, lease: lease);
        var second = await _cluster.LeaseAsync("digits-1", 2, lease: lease);

        Assert.Equal(2, first.Length);
        Assert.Equal(first.AsEnumerable(), second.AsEnumerable());
    }

    [Fact]
    public async Task Lease_ManySlots_TakesNoMoreThanItsShare()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2, 0.3, 0.4", 2), asNew: false);

        Assert.Equal(2, (await _cluster.LeaseAsync("digits-1", 8, slots: 4)).Length);
    }

    [Fact]
    public async Task Lease_FewTrialsLeft_TakesAnEighthOfTheBestSizeAllTheSame()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2, 0.3, 0.4", 1), asNew: false);

        Assert.Equal(3, (await _cluster.LeaseAsync("digits-1", 24, slots: 4)).Length);
    }

    [Fact]
    public async Task Lease_ManyAtOnce_GrantsEachTrialOnceAndCountsAll()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2, 0.3, 0.4", replicates: 4), asNew: false);

        var cohorts = await Task.WhenAll(Enumerable.Range(0, 20).Select(slot => _cluster.LeaseAsync("digits-1", size: 1, slots: 16)));

        Assert.Equal(16, cohorts.SelectMany(cohort => cohort).Select(trial => trial.Trial).Distinct().Count());
        Assert.Equal(16, cohorts.Sum(cohort => cohort.Length));
        var progress = (await _cluster.Sweep("digits-1").GetProgress())!;
        Assert.Equal((0, 16), (progress.Waiting, progress.Running));
    }

    [Fact]
    public async Task Lease_OverdueTrialsOfAnother_AreTakenAndCountedOnce()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1", replicates: 2), asNew: false);
        var first = Assert.Single(await _cluster.LeaseAsync("digits-1", size: 1, slots: 2));
        await PassAsync(() => _cluster.Sweep("digits-1").Touch());

        var taken = Assert.Single(await _cluster.LeaseAsync("digits-1", size: 1, slots: 2));

        Assert.Equal(first.Trial, taken.Trial);
        Assert.True(taken.Fence > first.Fence);
        var progress = (await _cluster.Sweep("digits-1").GetProgress())!;
        Assert.Equal((2, 2), (progress.Total, progress.Waiting + progress.Running));
    }

    [Fact]
    public async Task Lease_FirstAfterALongSilence_LeavesOthersTheTimeToRenew()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1", replicates: 2), asNew: false);
        var lease = Guid.NewGuid();
        var held = Assert.Single(await _cluster.LeaseAsync("digits-1", size: 1, slots: 2, lease: lease));
        await PassAsync(() => RenewAsync(lease));

        // The process was frozen; requests overtake the renewals that came meanwhile.
        _cluster.Time.Leap(2 * new LeaseTimes().Lease);
        var other = Assert.Single(await _cluster.LeaseAsync("digits-1", size: 1, slots: 2));

        Assert.NotEqual(held.Trial, other.Trial);
        Assert.Equal(Wanted.Train, await RenewAsync(lease));
    }

    [Fact]
    public async Task Lease_AsManyAsTheSweepMayHave_IsHeldBackButStaysOffered()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", replicates: 1) + "\nmaxSlots: 1", asNew: false);
        var first = Assert.Single(await _cluster.LeaseAsync("digits-1", size: 1, slots: 2));

        var refused = await _cluster.Sweep("digits-1").Lease(new(
            Guid.NewGuid(), _cluster.Slot(1), 2,
            ImmutableDictionary<string, int>.Empty.Add(Configuration.Parse(first.Configuration).FusionKey, 1), GrainCluster.Somewhere));

        Assert.Equal((true, 0), (refused.HeldBack, refused.Trials.Length));
        Assert.Equal("digits-1", await NextAsync(1));
        await _cluster.CompleteAsync("digits-1", [first], 0.9);
        Assert.Single(await _cluster.LeaseAsync("digits-1", size: 1, slots: 2));
    }

    [Fact]
    public async Task Renew_MoreUrgentSweepWaitsForTheOnlySlot_PausesAfterTheQuantum()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1", replicates: 2), asNew: false);
        await Eventually.True(async () => await NextAsync(0) == "digits-1", "the slot to be sent to the only sweep");
        var lease = Guid.NewGuid();
        await _cluster.LeaseAsync("digits-1", size: 1, slots: 2, lease: lease);
        await _cluster.Sweep("urgent-1").Submit(Files.Sweep("0.1", replicates: 1, name: "urgent") + "\npriority: 1", asNew: false);
        Assert.Equal(Wanted.Train, await SharedAsync());

        _cluster.Time.Leap(DispatcherGrain.Quantum);

        await Eventually.True(async () => await SharedAsync() is Wanted.Pause, "the lease to be wanted back");
        Assert.Equal("urgent-1", await NextAsync(0));

        async Task<Wanted?> SharedAsync()
        {
            await RenewAsync(lease);
            await _cluster.Sweep("digits-1").Touch();
            return await RenewAsync(lease);
        }
    }

    [Fact]
    public async Task Renew_SuspectOfAnotherSweepWaitsForAnEmptySilo_PausesAfterTheQuantum()
    {
        // A trial that was lost twice is a suspect.
        await _cluster.Sweep("suspect-1").Submit(Files.Sweep("0.1", replicates: 1, name: "suspect"), asNew: false);
        for (var loss = 0; loss < 2; loss++)
        {
            Assert.Single(await _cluster.LeaseAsync("suspect-1", size: 1));
            await _cluster.Store.ReleaseSiloAsync(_cluster.Slot().Silo);
            await _cluster.Sweep("suspect-1").Recount();
        }
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", replicates: 2), asNew: false);
        var lease = Guid.NewGuid();
        var busy = await _cluster.LeaseAsync("digits-1", size: 1, slots: 4, lease: lease);
        Assert.Empty(await _cluster.LeaseAsync("suspect-1", size: 1));
        Assert.Equal(Wanted.Train, await SharedAsync());

        _cluster.Time.Leap(DispatcherGrain.Quantum);

        await Eventually.True(async () => await SharedAsync() is Wanted.Pause, "the lease to be wanted back");
        await _cluster.Sweep("digits-1").Release(lease, [.. busy.Select(trial => trial.Trial)]);
        Assert.Equal("suspect-1", (await _cluster.Grains.Dispatcher().Next(_cluster.Slot(), 2, "cpu", []))?.SweepId);
        Assert.Single(await _cluster.LeaseAsync("suspect-1", size: 1));

        async Task<Wanted?> SharedAsync()
        {
            await RenewAsync(lease);
            await _cluster.Sweep("suspect-1").Touch();
            await _cluster.Sweep("digits-1").Touch();
            return await RenewAsync(lease);
        }
    }

    [Fact]
    public async Task Lease_MoreSlotsTrainForItThanTheDispatcherKnows_TakesItsShareAmongThose()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2, 0.3, 0.4", replicates: 3), asNew: false);
        for (var slot = 0; slot < 4; slot++)
        {
            var lease = Guid.NewGuid();
            Assert.Single(await _cluster.LeaseAsync("digits-1", size: 1, slots: 4, lease: lease));
            await _cluster.Sweep("digits-1").Renew([new(lease, _cluster.Slot(slot))]);
        }

        Assert.Equal(2, (await _cluster.LeaseAsync("digits-1", size: 8, slots: 1)).Length);
    }

    [Fact]
    public async Task Lease_CellsFillTheDevice_StaysInOneReplicate()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2, 0.3", 4), asNew: false);

        var leased = await _cluster.LeaseAsync("digits-1", 5);

        Assert.Equal([1, 1, 1], leased.Select(trial => trial.Trial.Replicate));
    }

    [Fact]
    public async Task Lease_TooFewCellsToFillTheDevice_JoinsReplicates()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 4), asNew: false);

        var leased = await _cluster.LeaseAsync("digits-1", 6);

        Assert.Equal([1, 1, 2, 2, 3, 3], leased.Select(trial => trial.Trial.Replicate));
    }

    [Fact]
    public async Task Report_Repeated_CountsOnce()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 2), asNew: false);
        var reports = await _cluster.CompleteAsync("digits-1", (await _cluster.LeaseAsync("digits-1", 2)).Take(1), 0.9);

        await _cluster.Sweep("digits-1").Report(reports);
        await _cluster.Sweep("digits-1").Report(reports);

        Assert.Equal(1, (await _cluster.Sweep("digits-1").GetProgress())!.Completed);
    }

    [Fact]
    public async Task Report_WhileARecountReads_IsNotOverwrittenByTheOlderSnapshot()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2, 0.3", replicates: 1), asNew: false);
        var (one, other) = (Guid.NewGuid(), Guid.NewGuid());
        await _cluster.LeaseAsync("digits-1", size: 1, slots: 3);
        var unheard = await _cluster.LeaseAsync("digits-1", size: 1, slots: 3, lease: one);
        var late = await _cluster.LeaseAsync("digits-1", size: 1, slots: 3, lease: other);
        await PassAsync(() => _cluster.Sweep("digits-1").Renew([new(one, _cluster.Slot()), new(other, _cluster.Slot())]));
        // A request finds that the first lease is over, and counts anew: it reads that a trial has ended, and meanwhile another ends.
        await _cluster.EndAsync(unheard, 0.5);
        var reading = _cluster.Reads.Next(nameof(ISweepReader.ReadEndedAsync));
        var request = _cluster.LeaseAsync("digits-1", size: 1, slots: 3);
        await reading.Reached.Task.WaitAsync(TimeSpan.FromSeconds(20));

        var report = _cluster.Sweep("digits-1").Report(await _cluster.EndAsync(late, 0.6));
        // It has to wait for what is read; if it did not, it would be overwritten.
        await Task.WhenAny(report, Task.Delay(TimeSpan.FromMilliseconds(200)));
        reading.Released.SetResult();
        await Task.WhenAll(request, report);

        var progress = (await _cluster.Sweep("digits-1").GetProgress())!;
        Assert.Equal((2, 0, 1), (progress.Completed, progress.Waiting, progress.Running));
    }

    [Fact]
    public async Task Report_OfAFailureThatWasRetriedMeanwhile_IsNotCounted()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 1), asNew: false);
        var leased = await _cluster.LeaseAsync("digits-1", 2);
        var late = await FailAsync(leased[1], "code-error");
        Assert.Equal(1, await _cluster.Sweep("digits-1").Retry());

        await _cluster.Sweep("digits-1").Report([late]);

        var progress = (await _cluster.Sweep("digits-1").GetProgress())!;
        Assert.Equal((0, 1, 1), (progress.Failed, progress.Waiting, progress.Running));
        var again = Assert.Single(await _cluster.LeaseAsync("digits-1", 2));
        await FailAsync(again, "code-error");
        Assert.Equal(1, (await _cluster.Sweep("digits-1").GetProgress())!.Failed);
    }

    [Fact]
    public async Task Lease_OfATrialThatIsTriedAgain_CountsItOnce()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1", 1), asNew: false);
        var failing = Assert.Single(await _cluster.LeaseAsync("digits-1", 1));
        Assert.Equal([WriteVerdict.WillRetry], await _cluster.Store.WriteAsync([Failed(failing, "infrastructure")]));
        _cluster.Time.Leap(TimeSpan.FromSeconds(10));

        Assert.Single(await _cluster.LeaseAsync("digits-1", 1));

        var progress = (await _cluster.Sweep("digits-1").GetProgress())!;
        Assert.Equal((1, 0, 1), (progress.Total, progress.Waiting, progress.Running));
    }

    [Fact]
    public async Task RecountWaiting_AfterAFailureThatIsTriedAgain_CountsItAsWaiting()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 1), asNew: false);
        var leased = await _cluster.LeaseAsync("digits-1", 2);
        await _cluster.Store.WriteAsync([Failed(leased[0], "infrastructure")]);

        await _cluster.Sweep("digits-1").RecountWaiting();
        await _cluster.Sweep("digits-1").Touch();

        var progress = (await _cluster.Sweep("digits-1").GetProgress())!;
        Assert.Equal((1, 1), (progress.Waiting, progress.Running));
    }

    [Fact]
    public async Task Release_TrialsThatTheLeaseNoLongerHolds_CountsThoseThatItHeld()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2, 0.3", 1), asNew: false);
        var lease = Guid.NewGuid();
        var leased = await _cluster.LeaseAsync("digits-1", 3, lease: lease);
        await _cluster.CompleteAsync("digits-1", leased.Take(1), 0.9);

        await _cluster.Sweep("digits-1").Release(lease, [.. leased.Select(trial => trial.Trial)]);
        await _cluster.Sweep("digits-1").Release(lease, [.. leased.Select(trial => trial.Trial)]);

        var progress = (await _cluster.Sweep("digits-1").GetProgress())!;
        Assert.Equal((1, 2, 0), (progress.Completed, progress.Waiting, progress.Running));
    }

    [Fact]
    public async Task Lease_RepeatedAfterARecount_IsCountedOnce()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2, 0.3, 0.4", 1), asNew: false);
        var lease = Guid.NewGuid();
        await _cluster.LeaseAsync("digits-1", size: 2, slots: 2, lease: lease);
        await _cluster.Sweep("digits-1").Recount();

        await _cluster.LeaseAsync("digits-1", size: 2, slots: 2, lease: lease);

        var progress = (await _cluster.Sweep("digits-1").GetProgress())!;
        Assert.Equal((2, 2), (progress.Waiting, progress.Running));
    }

    [Fact]
    public async Task Touch_AfterAnAnswerOfTheStoreWasLost_CountsAnew()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2, 0.3, 0.4", 1), asNew: false);
        var lease = Guid.NewGuid();
        var granting = _cluster.Writes.Next(nameof(ISweepStore.GrantAsync));
        granting.Released.SetException(new IOException("The connection was lost."));
        await Assert.ThrowsAsync<IOException>(() => _cluster.LeaseAsync("digits-1", size: 2, slots: 2, lease: lease));
        Assert.Equal(2, (await _cluster.LeaseAsync("digits-1", size: 2, slots: 2, lease: lease)).Length);

        await _cluster.Sweep("digits-1").Touch();

        var progress = (await _cluster.Sweep("digits-1").GetProgress())!;
        Assert.Equal((2, 2), (progress.Waiting, progress.Running));
    }

    [Fact]
    public async Task Report_LastTrialOfASweepThatWasCancelledAndExtended_LeavesItCancelled()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1", 1), asNew: false);
        await _cluster.Sweep("digits-1").Cancel();
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1", 2), asNew: false);

        await _cluster.CompleteAsync("digits-1", await _cluster.LeaseAsync("digits-1", 2), 0.9);

        var progress = (await _cluster.Sweep("digits-1").GetProgress())!;
        Assert.Equal((SweepStatus.Cancelled, 1, 1), (progress.Status, progress.Completed, progress.Cancelled));
    }

    [Fact]
    public async Task Retry_CancelledTrials_WaitAgain()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 1), asNew: false);
        await _cluster.CompleteAsync("digits-1", await _cluster.LeaseAsync("digits-1", size: 1, slots: 2), 0.9);
        await _cluster.Sweep("digits-1").Cancel();

        Assert.Equal(1, await _cluster.Sweep("digits-1").Retry());

        await _cluster.CompleteAsync("digits-1", await _cluster.LeaseAsync("digits-1", 2), 0.9);
        var progress = (await _cluster.Sweep("digits-1").GetProgress())!;
        Assert.Equal((SweepStatus.Finished, 2, 0), (progress.Status, progress.Completed, progress.Cancelled));
    }

    [Fact]
    public async Task Report_LastTrial_FinishesTheSweepWithItsBestCell()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 2), asNew: false);
        foreach (var accuracy in (double[])[0.8, 0.9])
            foreach (var trial in await _cluster.LeaseAsync("digits-1", 2))
                await _cluster.CompleteAsync("digits-1", [trial],
                    trial.Configuration.Contains("\"learningRate\":0.2", StringComparison.Ordinal) ? accuracy : 0.5);

        var progress = await _cluster.Sweep("digits-1").GetProgress();

        Assert.Equal((SweepStatus.Finished, 4), (progress!.Status, progress.Completed));
        Assert.Equal("learningRate=0.2", progress.Best!.Cell);
        Assert.Equal(0.85, progress.Best.Objective, 12);
        Assert.DoesNotContain(_cluster.Active.All, sweep => sweep.Progress.SweepId == "digits-1");
    }

    [Fact]
    public async Task Report_Lost_IsMadeUpForByTheNextActivation()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 1), asNew: false);
        var leased = await _cluster.LeaseAsync("digits-1", 2);
        await _cluster.Store.WriteAsync([.. leased.Select(trial => new FencedReport(
            new(trial.Trial, 1, 0.1, 0.2, 0.9, 10, 0.5, new(Outcome.Completed, 0.3, 0.9)), trial.Fence))]);

        // Somebody else opens the sweep: the activation here finds itself replaced, and the next one reads what is durable.
        await _cluster.Store.OpenAsync("digits-1");
        await Assert.ThrowsAnyAsync<Exception>(() => _cluster.Sweep("digits-1").Renew([new(Guid.NewGuid(), _cluster.Slot())]));

        await Eventually.True(async () => (await _cluster.Sweep("digits-1").GetProgress())!.Status is SweepStatus.Finished,
            "the new coordinator to find all trials ended");
    }

    [Fact]
    public async Task Renew_AfterAnotherOpenedTheSweep_GivesUpAndComesBack()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 1), asNew: false);
        var lease = Guid.NewGuid();
        await _cluster.LeaseAsync("digits-1", 2, lease: lease);
        await _cluster.Store.OpenAsync("digits-1");

        await Assert.ThrowsAnyAsync<Exception>(() => _cluster.Sweep("digits-1").Renew([new(lease, _cluster.Slot())]));

        await Eventually.True(async () => (await _cluster.Sweep("digits-1").Renew([new(lease, _cluster.Slot())])).ContainsKey(lease),
            "a new activation that renews the lease");
    }

    [Fact]
    public async Task Renew_LeasesThatSayHowLongTheyAreQuiet_ShowWhenTheSweepsLastEpochWas()
    {
        var began = _cluster.Time.GetUtcNow();
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 1), asNew: false);
        var lease = Guid.NewGuid();
        await _cluster.LeaseAsync("digits-1", 2, lease: lease);
        var opened = (await LastEpochAsync()) - began;
        Assert.InRange(opened, TimeSpan.Zero, TimeSpan.FromMinutes(1));

        // Nothing yet, then an epoch five seconds ago, and none since.
        await PassAsync(() => SayAsync(null));
        Assert.Equal(opened, (await LastEpochAsync()) - began);
        await SayAsync(TimeSpan.FromSeconds(5));
        var epoch = await LastEpochAsync();
        Assert.InRange(_cluster.Time.GetUtcNow() - epoch, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(35));
        await SayAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(epoch, await LastEpochAsync());

        // The next coordinator counts from when it came, and hears of what was since.
        await _cluster.Store.OpenAsync("digits-1");
        await Assert.ThrowsAnyAsync<Exception>(() => SayAsync(null));
        await Eventually.True(async () =>
        {
            await SayAsync(null);
            return true;
        }, "a new activation");
        _cluster.Time.Leap(TimeSpan.FromMinutes(10));
        Assert.InRange(_cluster.Time.GetUtcNow() - await LastEpochAsync(), TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(11));
        await SayAsync(TimeSpan.FromMinutes(2));
        Assert.InRange(_cluster.Time.GetUtcNow() - await LastEpochAsync(), TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(3));

        Task SayAsync(TimeSpan? quiet) => _cluster.Sweep("digits-1").Renew([new(lease, _cluster.Slot(), quiet)]);

        async Task<DateTimeOffset> LastEpochAsync()
        {
            await _cluster.Sweep("digits-1").Touch();
            return Assert.Single(_cluster.Active.All).LastEpoch;
        }
    }

    [Fact]
    public async Task Release_Trials_AreLeasedAgainUnderAHigherFence()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 1), asNew: false);
        var lease = Guid.NewGuid();
        var first = await _cluster.LeaseAsync("digits-1", 2, lease: lease);

        await _cluster.Sweep("digits-1").Release(lease, [.. first.Select(trial => trial.Trial)]);
        var second = await _cluster.LeaseAsync("digits-1", 2);

        Assert.Equal(first.Select(trial => trial.Trial), second.Select(trial => trial.Trial));
        Assert.All(first.Zip(second), pair => Assert.True(pair.Second.Fence > pair.First.Fence));
    }

    [Fact]
    public async Task Cancel_Running_EndsWhatIsOpenAndRefusesLateResults()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2, 0.3", 1), asNew: false);
        var leased = await _cluster.LeaseAsync("digits-1", 3);
        await _cluster.CompleteAsync("digits-1", leased.Take(1), 0.9);

        Assert.True(await _cluster.Sweep("digits-1").Cancel());
        Assert.False(await _cluster.Sweep("digits-1").Cancel());

        var late = await _cluster.Store.WriteAsync([new(
            new(leased[1].Trial, 1, 0.1, 0.2, 0.9, 10, 0.5, new(Outcome.Completed, 0.3, 0.9)), leased[1].Fence)]);
        Assert.Equal([WriteVerdict.Refused], late.AsEnumerable());
        var progress = await _cluster.Sweep("digits-1").GetProgress();
        Assert.Equal((SweepStatus.Cancelled, 1, 2), (progress!.Status, progress.Completed, progress.Cancelled));
        Assert.Empty(await _cluster.LeaseAsync("digits-1", 3));
    }

    [Fact]
    public async Task Pause_Running_GrantsNothingAndWantsLeasesBack()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 1), asNew: false);
        var lease = Guid.NewGuid();
        var leased = await _cluster.LeaseAsync("digits-1", 1, slots: 2, lease: lease);
        Assert.Equal(Wanted.Train, await RenewAsync(lease));

        Assert.True(await _cluster.Sweep("digits-1").Pause());
        Assert.False(await _cluster.Sweep("digits-1").Pause());

        Assert.Empty(await _cluster.LeaseAsync("digits-1", 1));
        Assert.Equal(Wanted.Pause, await RenewAsync(lease));
        await _cluster.Sweep("digits-1").Release(lease, [.. leased.Select(trial => trial.Trial)]);
        Assert.Null(await RenewAsync(lease));
        Assert.Equal(SweepStatus.Paused, (await _cluster.Store.Reader.FindAsync("digits-1", CancellationToken.None))!.Status);
    }

    [Fact]
    public async Task Resume_Paused_GoesOn()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 1), asNew: false);
        Assert.False(await _cluster.Sweep("digits-1").Resume());
        await _cluster.Sweep("digits-1").Pause();

        Assert.True(await _cluster.Sweep("digits-1").Resume());

        Assert.Equal(2, (await _cluster.LeaseAsync("digits-1", 2)).Length);
    }

    [Fact]
    public async Task Submit_Paused_Resumes()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 1), asNew: false);
        await _cluster.Sweep("digits-1").Pause();

        Assert.Equal(SubmissionKind.Resumed, (await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 1), asNew: false)).Kind);

        Assert.Equal(SweepStatus.Running, (await _cluster.Sweep("digits-1").GetProgress())!.Status);
    }

    [Fact]
    public async Task Report_LastTrialOfAPausedSweep_FinishesIt()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1", 1), asNew: false);
        var leased = await _cluster.LeaseAsync("digits-1", 1);
        await _cluster.Sweep("digits-1").Pause();

        await _cluster.CompleteAsync("digits-1", leased, 0.9);

        Assert.Equal(SweepStatus.Finished, (await _cluster.Sweep("digits-1").GetProgress())!.Status);
    }

    [Fact]
    public async Task Retry_FailedTrials_AreLeasedAgainAndTheirOldResultIsGone()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 1), asNew: false);
        var leased = await _cluster.LeaseAsync("digits-1", 2);
        await _cluster.CompleteAsync("digits-1", leased.Take(1), 0.9);
        await FailAsync(leased[1], "code-error");
        Assert.Equal((SweepStatus.Finished, 1), await StateAsync());

        Assert.Equal(1, await _cluster.Sweep("digits-1").Retry());

        Assert.Equal((SweepStatus.Running, 0), await StateAsync());
        var again = Assert.Single(await _cluster.LeaseAsync("digits-1", 2));
        Assert.Equal(leased[1].Trial, again.Trial);
        await _cluster.CompleteAsync("digits-1", [again], 0.8);
        Assert.Equal((SweepStatus.Finished, 0), await StateAsync());
        Assert.Equal(0, await _cluster.Sweep("digits-1").Retry());
    }

    [Fact]
    public async Task Delete_Sweep_IsGoneAndItsNumberStaysTaken()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 1), asNew: false);
        var leased = await _cluster.LeaseAsync("digits-1", 2);

        Assert.True(await _cluster.Sweep("digits-1").Delete());

        Assert.Null(await _cluster.Sweep("digits-1").GetProgress());
        Assert.False(await _cluster.Sweep("digits-1").Delete());
        Assert.Null(await _cluster.Store.Reader.FindAsync("digits-1", CancellationToken.None));
        var late = await _cluster.Store.WriteAsync([new(new(leased[0].Trial, 1, 0.1, 0.2, 0.9, 10, 0.5, null), leased[0].Fence)]);
        Assert.NotEqual(WriteVerdict.Accepted, late[0]);
        Assert.Equal(SubmissionKind.Taken, (await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 1), asNew: false)).Kind);
        Assert.DoesNotContain(_cluster.Active.All, sweep => sweep.Progress.SweepId == "digits-1");
    }

    [Fact]
    public async Task Recount_AfterASilosDeath_KnowsWhatWaits()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 1), asNew: false);
        await _cluster.LeaseAsync("digits-1", 2);
        Assert.Equal(["digits-1"], (await _cluster.Store.ReleaseSiloAsync(_cluster.Slot().Silo)).Sweeps.AsEnumerable());

        await _cluster.Sweep("digits-1").Recount();

        var progress = await _cluster.Sweep("digits-1").GetProgress();
        Assert.Equal((2, 0), (progress!.Waiting, progress.Running));
    }

    [Fact]
    public async Task Recount_AfterARequestFoundNothing_OffersWhatWaitsNow()
    {
        await _cluster.Sweep("digits-1").Submit(Files.Sweep("0.1, 0.2", 1), asNew: false);
        await _cluster.LeaseAsync("digits-1", 2);
        Assert.Empty(await _cluster.LeaseAsync("digits-1", 2));
        await Eventually.True(async () => await NextAsync(0) is null, "the sweep to be offered no more");
        await _cluster.Store.ReleaseSiloAsync(_cluster.Slot().Silo);

        await _cluster.Sweep("digits-1").Recount();

        await Eventually.True(async () => await NextAsync(0) == "digits-1", "the sweep to be offered again");
    }

    /// <summary>Lets longer than a lease pass, in steps in which the coordinator reaches the store.</summary>
    private async Task PassAsync(Func<Task> reach)
    {
        for (var step = 0; step < 7; step++)
        {
            _cluster.Time.Leap(new LeaseTimes().Touch);
            await reach();
        }
    }

    private async Task<string?> NextAsync(int slot) =>
        (await _cluster.Grains.Dispatcher().Next(_cluster.Slot(slot), 1, "cpu", []))?.SweepId;

    private async Task<Wanted?> RenewAsync(Guid lease) =>
        (await _cluster.Sweep("digits-1").Renew([new(lease, _cluster.Slot())])).TryGetValue(lease, out var wanted) ? wanted : null;

    private static FencedReport Failed(LeasedTrial trial, string failureClass) => new(
        new(trial.Trial, 1, 0.1, 0.2, 0.3, 10, 0.5, new(Outcome.Failed, Failure: new(failureClass, "no gradient"))), trial.Fence);

    private async Task<FencedReport> FailAsync(LeasedTrial trial, string failureClass)
    {
        var report = Failed(trial, failureClass);
        await _cluster.Store.WriteAsync([report]);
        await _cluster.Sweep("digits-1").Report([report]);
        return report;
    }

    private async Task<(SweepStatus Status, int Failed)> StateAsync()
    {
        var progress = await _cluster.Sweep("digits-1").GetProgress();
        return (progress!.Status, progress.Failed);
    }
}
