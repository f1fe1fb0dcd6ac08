using System.Collections.Immutable;
using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Grains.Tests;
using DeepTrain.Cluster.Sweeps;

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
        Assert.Equal(new("code-error", "InvalidOperationException: no gradient"), results[0.3].Failure);
        Assert.Equal([3, 1, 1, 1], _cluster.Trainer.Started);
        Assert.Equal(4, _cluster.Trainer.Ended);
        Assert.All(results.Values, result => Assert.Equal(1, result.Fence));
    }

    [Fact]
    public async Task Trial_ToldToStop_EndsAsStoppedAndTheOthersGoOn()
    {
        using var gate = new ManualResetEventSlim();
        var aboard = new TaskCompletionSource<ImmutableArray<CohortTrial>>();
        _cluster.Trainer.BeforeEpoch = (trials, epoch) =>
        {
            if (epoch != 2)
                return;
            aboard.TrySetResult([.. trials]);
            gate.Wait();
        };
        await _cluster.SubmitAsync("0.1, 0.3", epochs: 4);
        var stopped = (await aboard.Task).Single(trial => ScriptedTrainer.Rate(trial) == 0.3);

        Assert.True(await _cluster.Trial(stopped.Id).Stop());
        gate.Set();
        await _cluster.FinishedAsync();

        var results = await _cluster.ResultsAsync();
        Assert.Equal((Outcome.Stopped, 2), (results[0.3].Outcome, results[0.3].Epochs));
        Assert.Equal((Outcome.Completed, 4), (results[0.1].Outcome, results[0.1].Epochs));
    }

    [Fact]
    public async Task Sweep_Cancelled_RefusedTrialsLeaveAndTheirGrainsAreFree()
    {
        var aboard = new TaskCompletionSource<ImmutableArray<CohortTrial>>();
        _cluster.Trainer.BeforeEpoch = (trials, _) => aboard.TrySetResult([.. trials]);
        await _cluster.SubmitAsync("0.1, 0.3", Endless);
        var trials = await aboard.Task;

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
}
