using DeepTrain.Cluster.Grains.Trials;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Grains.Tests;

public sealed class TrialsInTrainingTests
{
    private static readonly TrialId Id = new("digits-1", "0123456789abcdef", 1);

    private readonly TrialsInTraining _training = new();

    [Fact]
    public void Report_ManyEpochs_OnlyTheLastIsKept()
    {
        _training.Begin(Id, 3);
        for (var epoch = 1; epoch <= 1_000; epoch++)
            _training.Report(Report(epoch), 3);

        Assert.Equal(1_000, _training.LastReport(Id, 3)!.Epoch);
    }

    [Fact]
    public void Report_OtherFence_IsNotShown()
    {
        _training.Begin(Id, 3);

        _training.Report(Report(1), 2);

        Assert.Null(_training.LastReport(Id, 3));
        Assert.Null(_training.LastReport(Id, 2));
    }

    [Fact]
    public void Stop_OtherFence_StopsNothing()
    {
        _training.Begin(Id, 3);

        Assert.False(_training.Stop(Id, 2));
        Assert.False(_training.IsStopWanted(Id, 3));
    }

    [Fact]
    public void Begin_UnderALaterFence_ForgetsWhatWasWantedBefore()
    {
        _training.Begin(Id, 3);
        Assert.True(_training.Stop(Id, 3));

        _training.Begin(Id, 4);

        Assert.False(_training.IsStopWanted(Id, 4));
        Assert.False(_training.IsStopWanted(Id, 3));
    }

    [Fact]
    public void End_OtherFence_LeavesTheTrialInTraining()
    {
        _training.Begin(Id, 4);

        _training.End(Id, 3);
        Assert.True(_training.Stop(Id, 4));

        _training.End(Id, 4);
        Assert.False(_training.Stop(Id, 4));
    }

    private static EpochReport Report(int epoch) => new(Id, epoch, 0.1, 0.2, 0.3, 10, 0.1, null);
}
