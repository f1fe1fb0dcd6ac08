using DeepTrain.Cluster.Grains.Monitoring;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Sweeps;
using Microsoft.Extensions.Time.Testing;

namespace DeepTrain.Cluster.Grains.Tests;

public sealed class PaceTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Look_FromTheMiddle_CountsOnlyWhatItSaw()
    {
        var pace = new Pace(_time);
        var first = pace.Look(Progress(total: 100, completed: 40));
        _time.Advance(TimeSpan.FromSeconds(10));
        var second = pace.Look(Progress(total: 100, completed: 60));

        Assert.Equal((0.0, null), (first.TrialsPerSecond, first.Left));
        Assert.Equal((2.0, TimeSpan.FromSeconds(20)), (second.TrialsPerSecond, second.Left));
    }

    [Fact]
    public void Look_NothingEnded_DoesNotGuess()
    {
        var pace = new Pace(_time);
        pace.Look(Progress(total: 100));
        _time.Advance(TimeSpan.FromMinutes(10));

        Assert.Null(pace.Look(Progress(total: 100)).Left);
    }

    private static SweepProgress Progress(int total, int completed = 0) =>
        new("digits-1", SweepStatus.Running, total, total - completed, 0, completed, 0, 0, 0, 0, Best: null);
}
