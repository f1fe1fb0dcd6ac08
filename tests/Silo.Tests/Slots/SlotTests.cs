using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Grains.Tests;
using DeepTrain.Cluster.Grains.Trials;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class SlotTests : IAsyncLifetime
{
    private const int Endless = 1_000_000;

    private SlotCluster _cluster = null!;

    public async ValueTask InitializeAsync() => _cluster = await SlotCluster.StartAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Cohort_Throws_IsTrainedOneByOneAndOnlyTheGuiltyFails()
    {
        _cluster.Trainer.BeforeEpoch = (trials, epoch) =>
        {
            if (epoch == 2 && trials.Any(trial => ScriptedTrainer.Rate(trial) == 0.3))
                throw new InvalidOperationException("no gradient");
        };

        await _cluster.SubmitAsync("0.1, 0.3, 0.5", epochs: 3);
        await _cluster.FinishedAsync();

        var results = await _cluster.ResultsAsync();
        Assert.Equal(
            [(0.1, Outcome.Completed), (0.3, Outcome.Failed), (0.5, Outcome.Completed)],
            results.OrderBy(result => result.Key).Select(result => (result.Key, result.Value.Outcome)));
        Assert.Equal(("code-error", "InvalidOperationException: no gradient"), (results[0.3].Failure!.Class, results[0.3].Failure!.Message));
        Assert.Contains(nameof(SlotTests), results[0.3].Failure!.Log, StringComparison.Ordinal);
        Assert.Equal([3, 1, 1, 1], _cluster.Trainer.Started);
        Assert.Equal(4, _cluster.Trainer.Ended);
        Assert.All(results.Values, result => Assert.Equal(1, result.Fence));
    }

    [Fact]
    public async Task Trial_ToldToStop_EndsAsStoppedAndTheOthersGoOn()
    {
        using var gate = new ManualResetEventSlim();
        var inTraining = new TaskCompletionSource<ImmutableArray<CohortTrial>>();
        _cluster.Trainer.BeforeEpoch = (trials, epoch) =>
        {
            if (epoch != 2)
                return;
            inTraining.TrySetResult([.. trials]);
            gate.Wait();
        };
        await _cluster.SubmitAsync("0.1, 0.3", epochs: 4);
        var stopped = (await inTraining.Task).Single(trial => ScriptedTrainer.Rate(trial) == 0.3);

        Assert.True(await _cluster.Trial(stopped.Id).Stop());
        gate.Set();
        await _cluster.FinishedAsync();

        var results = await _cluster.ResultsAsync();
        Assert.Equal((Outcome.Stopped, 2), (results[0.3].Outcome, results[0.3].Epochs));
        Assert.Equal((Outcome.Completed, 4), (results[0.1].Outcome, results[0.1].Epochs));
    }

    [Fact]
    public async Task Trial_InTraining_IsShownByItsLastEpoch()
    {
        using var gate = new ManualResetEventSlim();
        var begun = new TaskCompletionSource<CohortTrial>();
        _cluster.Trainer.BeforeEpoch = (trials, epoch) =>
        {
            if (epoch != 3)
                return;
            begun.TrySetResult(trials.Single());
            gate.Wait();
        };
        await _cluster.SubmitAsync("0.3", epochs: 4);
        var trial = await begun.Task;

        var view = await _cluster.Trial(trial.Id).Inspect();

        gate.Set();
        Assert.Equal((TrialState.Training, 2, 0.3), (view.State, view.LastReport!.Epoch, view.LastReport.ValidationAccuracy));
        Assert.Equal((_cluster.Silo, 1, 1), (view.Ticket!.Slot.Silo, view.Ticket.Fence, view.Ticket.Attempt));
    }

    [Fact]
    public async Task Trial_OfManyEpochs_CallsItsGrainOnlyAtItsBeginningAndEnd()
    {
        await _cluster.SubmitAsync("0.1", epochs: 100);
        await _cluster.FinishedAsync();

        await Eventually.True(() => Task.FromResult(_cluster.Calls.Any(call => call.Method == nameof(ITrialGrain.Settle))), "the trial to be settled");
        Assert.Equal([nameof(ITrialGrain.Admit), nameof(ITrialGrain.Settle)],
            _cluster.Calls.Where(call => call.Interface == nameof(ITrialGrain)).Select(call => call.Method));
        Assert.Single(_cluster.Calls, call => call == (nameof(ISweepGrain), nameof(ISweepGrain.Report)));
    }

    [Fact]
    public async Task Sweep_Cancelled_RefusedTrialsLeaveAndTheirGrainsAreFree()
    {
        var inTraining = new TaskCompletionSource<ImmutableArray<CohortTrial>>();
        _cluster.Trainer.BeforeEpoch = (trials, _) => inTraining.TrySetResult([.. trials]);
        await _cluster.SubmitAsync("0.1, 0.3", Endless);
        var trials = await inTraining.Task;

        Assert.True(await _cluster.Sweep.Cancel());

        await Eventually.True(() => Task.FromResult(_cluster.Trainer.Ended == 1), "the run to end");
        foreach (var trial in trials)
            await Eventually.True(async () => (await _cluster.Trial(trial.Id).Inspect()).State is TrialState.Idle, "the grain to be idle");
        Assert.All((await _cluster.ResultsAsync()).Values, result => Assert.Equal(Outcome.Cancelled, result.Outcome));
    }

    [Fact]
    public async Task Slots_Stopping_GiveBackWhatTheyHaveNotFinished()
    {
        var begun = new TaskCompletionSource();
        _cluster.Trainer.BeforeEpoch = (_, _) => begun.TrySetResult();
        await _cluster.SubmitAsync("0.1, 0.3", Endless);
        await begun.Task;
        Assert.Equal(2, (await _cluster.OverviewAsync()).Leased);

        await _cluster.StopSlotsAsync();

        var overview = await _cluster.OverviewAsync();
        Assert.Equal((2, 0, SweepStatus.Running), (overview.Waiting, overview.Leased, overview.Status));
        Assert.Equal(1, _cluster.Trainer.Ended);
    }

    [Fact]
    public async Task Sweep_Paused_IsSavedAndGivenBackAndGoesOnWhereItWas()
    {
        await using var cluster = await SlotCluster.StartAsync(lease: TimeSpan.FromSeconds(3));
        await cluster.SubmitAsync("0.1, 0.3", Endless);
        await Eventually.True(async () => await cluster.CountAsync("SELECT COUNT(*) FROM epochs") > 4, "some epochs");

        Assert.True(await cluster.Sweep.Pause());

        await Eventually.True(async () => (await cluster.OverviewAsync()).Leased == 0, "the trials to be given back");
        var epoch = await cluster.CountAsync("SELECT MIN(checkpoint_epoch) FROM trials");
        Assert.Equal(epoch, await cluster.CountAsync("SELECT MAX(epoch) FROM epochs"));
        Assert.Equal(0, await cluster.CountAsync("SELECT SUM(losses + losses_alone) FROM trials"));
        Assert.Equal((2, SweepStatus.Paused), ((await cluster.OverviewAsync()).Waiting, (await cluster.OverviewAsync()).Status));

        Assert.True(await cluster.Sweep.Resume());
        await Eventually.True(async () => await cluster.CountAsync("SELECT MAX(epoch) FROM epochs") > epoch, "further epochs");
        Assert.Equal(1, await cluster.CountAsync($"SELECT COUNT(DISTINCT fence) FROM epochs WHERE epoch <= {epoch}"));
    }

    [Fact]
    public async Task Grant_AnswerLost_IsAskedForAgainAndGivesTheSameCohort()
    {
        await using var cluster = await SlotCluster.StartAsync(lostGrants: 1);

        await cluster.SubmitAsync("0.1, 0.3", epochs: 1);
        await cluster.FinishedAsync();

        Assert.Equal([2], cluster.Trainer.Started);
        Assert.Equal("1:1|1:1", await cluster.TextAsync("SELECT group_concat(attempt || ':' || fence, '|') FROM trials"));
        Assert.Equal(1, await cluster.CountAsync("SELECT COUNT(*) FROM leases"));
    }

    [Fact]
    public async Task Sweep_MoreUrgentOneHoldsBack_IsTrainedMeanwhile()
    {
        using var gate = new ManualResetEventSlim();
        _cluster.Trainer.BeforeEpoch = (_, _) => gate.Wait();
        await _cluster.SubmitAsync("0.1", epochs: 1, "priority: 2");
        await Eventually.True(() => Task.FromResult(_cluster.Trainer.Started.Count == 1), "the slot to be busy");
        var capped = _cluster.Grains.Sweep("capped-1");
        await capped.Submit(SlotCluster.Text("0.1, 0.2", 1, "priority: 1\nmaxSlots: 1").Replace("digits\ndataset", "capped\ndataset", StringComparison.Ordinal), asNew: false);
        var request = new LeaseRequest(Guid.NewGuid(), new("elsewhere", 0), 2, ImmutableDictionary<string, int>.Empty, Sample.Provenance);
        var shape = Configuration.Parse(Assert.Single((await capped.Lease(request)).Unsized));
        Assert.Single((await capped.Lease(request with { CohortSizes = request.CohortSizes.Add(shape.FusionKey, 1) })).Trials);
        var other = _cluster.Grains.Sweep("other-1");
        await other.Submit(SlotCluster.Text("0.1", 1).Replace("digits\ndataset", "other\ndataset", StringComparison.Ordinal), asNew: false);

        gate.Set();

        await Eventually.True(async () => (await other.GetProgress())!.Status is SweepStatus.Finished, "the other sweep to finish");
        Assert.Equal((1, 1), ((await capped.GetProgress())!.Waiting, (await capped.GetProgress())!.Running));
    }

    [Fact]
    public async Task Lease_Lost_BreaksTheEpochOff()
    {
        await using var cluster = await SlotCluster.StartAsync(lease: TimeSpan.FromSeconds(3), epochPatience: TimeSpan.FromMilliseconds(50));
        var begun = new TaskCompletionSource();
        cluster.Trainer.BeforeEpoch = (_, _) =>
        {
            begun.TrySetResult();
            cluster.Trainer.Stop.WaitHandle.WaitOne();
        };
        await cluster.SubmitAsync("0.1", Endless);
        await begun.Task;

        await cluster.Store.ReleaseSiloAsync(cluster.Silo);

        await Eventually.True(() => Task.FromResult(cluster.Trainer.Ended >= 1), "the run to end");
    }

    [Fact]
    public async Task Slots_StoppingInALongEpoch_BreakItOffAndGiveTheTrialBack()
    {
        await using var cluster = await SlotCluster.StartAsync(epochPatience: TimeSpan.FromMilliseconds(50));
        var begun = new TaskCompletionSource();
        cluster.Trainer.BeforeEpoch = (_, _) =>
        {
            begun.TrySetResult();
            cluster.Trainer.Stop.WaitHandle.WaitOne();
        };
        await cluster.SubmitAsync("0.1", Endless);
        await begun.Task;

        await cluster.StopSlotsAsync();

        var overview = await cluster.OverviewAsync();
        Assert.Equal((1, 0, SweepStatus.Running), (overview.Waiting, overview.Leased, overview.Status));
    }

    [Fact]
    public async Task Cohort_OutOfMemory_IsTrainedInHalvesAndLaterOnesAreSmaller()
    {
        _cluster.Trainer.BeforeStart = cohort =>
        {
            if (cohort.Trials.Length > 2)
                throw new InsufficientMemoryException();
        };

        await _cluster.SubmitAsync("0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8", epochs: 2);
        await _cluster.FinishedAsync();

        Assert.All((await _cluster.ResultsAsync()).Values, result => Assert.Equal(Outcome.Completed, result.Outcome));
        // 6 at first, then 3 and 3, then 2 and 1 twice; the two that were left are within the limit of 3.
        Assert.Equal([6, 3, 2, 1, 3, 2, 1, 2], _cluster.Trainer.Cohorts.Select(cohort => cohort.Trials.Length));
    }

    [Fact]
    public async Task CohortSize_ThatCannotBeTold_IsOneUntilItCan()
    {
        var asked = 0;
        _cluster.Trainer.Size = () => ++asked > 2 ? 10 : null;

        await _cluster.SubmitAsync("0.1, 0.2, 0.3, 0.4, 0.5", epochs: 1);
        await _cluster.FinishedAsync();

        Assert.Equal([1, 1, 3], _cluster.Trainer.Started);
    }

    [Fact]
    public async Task Start_FailsForWhatIsAroundIt_PausesTheSlotLongerEachTime()
    {
        var begun = new List<long>();
        _cluster.Trainer.Size = () => 1;
        _cluster.Trainer.BeforeStart = _ =>
        {
            begun.Add(TimeProvider.System.GetTimestamp());
            if (begun.Count < 3)
                throw new TrainerException(FailureClass.Infrastructure, "The shared folder is away.");
        };

        await _cluster.SubmitAsync("0.1, 0.2, 0.3, 0.4", epochs: 1, "maxAttempts: 1");
        await _cluster.FinishedAsync();

        var pauses = begun.Zip(begun.Skip(1), TimeProvider.System.GetElapsedTime).ToList();
        Assert.InRange(pauses[0].TotalSeconds, 1, 20);
        Assert.InRange(pauses[1].TotalSeconds, 2, 20);
        Assert.Equal(2, (await _cluster.ResultsAsync()).Values.Count(result => result.Outcome is Outcome.Completed));
    }

    [Fact]
    public async Task Trial_FailsForAReasonThatMayPass_IsTriedAgainLaterAsOftenAsItsSweepSays()
    {
        var tries = 0;
        _cluster.Trainer.BeforeEpoch = (trials, _) =>
        {
            if (trials.Any(trial => ScriptedTrainer.Rate(trial) == 0.3))
            {
                Interlocked.Increment(ref tries);
                throw new IOException("Stale file handle.");
            }
        };

        await _cluster.SubmitAsync("0.1, 0.3", epochs: 2, "maxAttempts: 2");
        await Eventually.True(async () => await _cluster.CountAsync("SELECT COUNT(*) FROM trials WHERE retry_at IS NOT NULL") == 1, "a first try");
        Assert.Equal((1, 0), ((await _cluster.OverviewAsync()).Waiting, (await _cluster.OverviewAsync()).Leased));
        await _cluster.ExecuteAsync("UPDATE trials SET retry_at = 0 WHERE retry_at IS NOT NULL");
        await _cluster.Sweep.Touch();
        await _cluster.FinishedAsync();

        var result = (await _cluster.ResultsAsync())[0.3];
        Assert.Equal((Outcome.Failed, "infrastructure"), (result.Outcome, result.Failure!.Class));
        Assert.Contains("Stale file handle", result.Failure.Log, StringComparison.Ordinal);
        // Once with its neighbour, and once alone for each try.
        Assert.Equal(3, tries);
    }
}
