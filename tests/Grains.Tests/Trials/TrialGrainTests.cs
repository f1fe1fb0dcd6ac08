using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Grains.Tests;

public sealed class TrialGrainTests : IAsyncLifetime
{
    private static readonly TrialId Id = new("digits-1", "0123456789abcdef", 1);

    private GrainCluster _cluster = null!;

    public async ValueTask InitializeAsync() => _cluster = await GrainCluster.StartAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Admit_OfThisSilo_TakesTheTicket()
    {
        var ticket = Ticket(fence: 3);

        Assert.True(await _cluster.Trial(Id).Admit(ticket));

        var view = await _cluster.Trial(Id).Inspect();
        Assert.Equal((TrialState.Training, ticket), (view.State, view.Ticket));
    }

    [Fact]
    public async Task Admit_ForAnotherSilo_IsRefused() =>
        Assert.False(await _cluster.Trial(Id).Admit(Ticket(fence: 3) with { Slot = new("S10.0.0.1:1111:1", 0) }));

    [Fact]
    public async Task Admit_OlderFence_IsRefused()
    {
        await _cluster.Trial(Id).Admit(Ticket(fence: 3));

        Assert.False(await _cluster.Trial(Id).Admit(Ticket(fence: 2)));
        Assert.Equal(3, (await _cluster.Trial(Id).Inspect()).Ticket!.Fence);
    }

    [Fact]
    public async Task Observe_OtherFence_IsNotPartOfTheCurve()
    {
        await _cluster.Trial(Id).Admit(Ticket(fence: 3));

        await _cluster.Trial(Id).Observe(Report(epoch: 1, fence: 3));
        await _cluster.Trial(Id).Observe(Report(epoch: 2, fence: 2));

        Assert.Equal([1], (await _cluster.Trial(Id).Inspect()).Curve.Select(report => report.Epoch));
    }

    [Fact]
    public async Task Admit_LaterFence_BeginsANewCurve()
    {
        await _cluster.Trial(Id).Admit(Ticket(fence: 3));
        await _cluster.Trial(Id).Observe(Report(epoch: 1, fence: 3));

        Assert.True(await _cluster.Trial(Id).Admit(Ticket(fence: 4)));

        Assert.Empty((await _cluster.Trial(Id).Inspect()).Curve);
    }

    [Fact]
    public async Task Stop_InTraining_TellsTheSlot()
    {
        await _cluster.Trial(Id).Admit(Ticket(fence: 3));

        Assert.True(await _cluster.Trial(Id).Stop());

        Assert.True(_cluster.Stops.IsSet(Id, 3));
        Assert.False(_cluster.Stops.IsSet(Id, 4));
    }

    [Fact]
    public async Task Stop_Idle_SaysThatNobodyTrainsIt() => Assert.False(await _cluster.Trial(Id).Stop());

    [Fact]
    public async Task Observe_Ending_TravelsWhole()
    {
        await _cluster.Trial(Id).Admit(Ticket(fence: 3));
        var report = new EpochReport(Id, 7, 0.1, double.NaN, 0.5, 12, 0.25, new(Outcome.Failed, 1.5, 0.25, new("bad-data", "no rows")));

        await _cluster.Trial(Id).Observe(new(report, 3));

        var view = await _cluster.Trial(Id).Inspect();
        Assert.Equal(TrialState.Ending, view.State);
        Assert.Equal(report, Assert.Single(view.Curve));
    }

    [Fact]
    public async Task Settle_CurrentFence_LeavesNothingBehind()
    {
        await _cluster.Trial(Id).Admit(Ticket(fence: 3));
        await _cluster.Trial(Id).Stop();

        await _cluster.Trial(Id).Settle(2);
        Assert.Equal(TrialState.Training, (await _cluster.Trial(Id).Inspect()).State);

        await _cluster.Trial(Id).Settle(3);
        Assert.Equal(TrialState.Idle, (await _cluster.Trial(Id).Inspect()).State);
        await Eventually.True(() => Task.FromResult(!_cluster.Stops.IsSet(Id, 3)), "the stop request to be cleared");
    }

    private static FencedReport Report(int epoch, long fence) => new(new(Id, epoch, 0.1, 0.2, 0.3, 10, 0.1, null), fence);

    private Ticket Ticket(long fence) => new(_cluster.Slot(), Guid.NewGuid(), fence, 1);
}
