using DeepTrain.Cluster.Grains.Trials;
using DeepTrain.Cluster.Sweeps.Trials;

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
    public async Task Inspect_InTraining_ShowsTheLastReportOfItsSlot()
    {
        await _cluster.Trial(Id).Admit(Ticket(fence: 3));
        _cluster.Training.Begin(Id, 3);
        Assert.Null((await _cluster.Trial(Id).Inspect()).LastReport);

        _cluster.Training.Report(Report(epoch: 1), 3);
        _cluster.Training.Report(Report(epoch: 2), 3);

        var view = await _cluster.Trial(Id).Inspect();
        Assert.Equal((TrialState.Training, 2, false), (view.State, view.LastReport!.Epoch, view.StopRequested));
    }

    [Fact]
    public async Task Inspect_ItsEndingIsOnTheWay_ShowsItWhole()
    {
        await _cluster.Trial(Id).Admit(Ticket(fence: 3));
        _cluster.Training.Begin(Id, 3);
        var report = new EpochReport(Id, 7, 0.1, double.NaN, 0.5, 12, 0.25, new(Outcome.Failed, 1.5, 0.25, new("bad-data", "no rows")));

        _cluster.Training.Report(report, 3);

        var view = await _cluster.Trial(Id).Inspect();
        Assert.Equal((TrialState.Ending, report), (view.State, view.LastReport));
        Assert.False(await _cluster.Trial(Id).Stop());
    }

    [Fact]
    public async Task Inspect_LaterFence_ShowsNothingOfTheOneBefore()
    {
        await _cluster.Trial(Id).Admit(Ticket(fence: 3));
        _cluster.Training.Begin(Id, 3);
        _cluster.Training.Report(Report(epoch: 1), 3);

        Assert.True(await _cluster.Trial(Id).Admit(Ticket(fence: 4)));

        Assert.Null((await _cluster.Trial(Id).Inspect()).LastReport);
    }

    [Fact]
    public async Task Stop_InTraining_TellsTheSlot()
    {
        await _cluster.Trial(Id).Admit(Ticket(fence: 3));
        _cluster.Training.Begin(Id, 3);

        Assert.True(await _cluster.Trial(Id).Stop());

        Assert.True(_cluster.Training.IsStopWanted(Id, 3));
        Assert.True((await _cluster.Trial(Id).Inspect()).StopRequested);
    }

    [Fact]
    public async Task Stop_Idle_SaysThatNobodyTrainsIt() => Assert.False(await _cluster.Trial(Id).Stop());

    [Fact]
    public async Task Settle_OtherFence_ChangesNothing()
    {
        await _cluster.Trial(Id).Admit(Ticket(fence: 3));

        await _cluster.Trial(Id).Settle(2);
        Assert.Equal(TrialState.Training, (await _cluster.Trial(Id).Inspect()).State);

        await _cluster.Trial(Id).Settle(3);
        Assert.Equal(TrialState.Idle, (await _cluster.Trial(Id).Inspect()).State);
    }

    private static EpochReport Report(int epoch) => new(Id, epoch, 0.1, 0.2, 0.3, 10, 0.1, null);

    private Ticket Ticket(long fence) => new(_cluster.Slot(), Guid.NewGuid(), fence, 1);
}
