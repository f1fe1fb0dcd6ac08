using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Fusion;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class PReluTests
{
    [Fact]
    public void TrainEpoch_CohortOfPrelu_EachTrialLearnsItsOwnSlopes()
    {
        var trials = new[] { 0.1, 0.25, 0.25 }.Select((alpha, place) => Trials.Configuration(
            (Parameters.Activation, "prelu"), (Parameters.PreluAlpha, alpha), (Parameters.LearningRate, 0.02 * (1 + place)),
            (Parameters.Epochs, 3)).Trial());
        using var run = new FusedTrainer(TimeProvider.System).Start(trials.Cohort());
        var start = run.ReportStart().Select(Slopes).ToList();
        var first = run.TrainEpoch().Select(Slopes).ToList();
        var second = run.TrainEpoch().Select(Slopes).ToList();

        Assert.Equal(new[] { 0.1f, 0.25f, 0.25f }.Order(), start.Select(slopes => slopes[0]).Order());
        Assert.All(start, slopes => Assert.Equal(slopes[0], slopes[1]));
        foreach (var epoch in new[] { first, second })
        {
            var all = epoch.SelectMany(slopes => slopes).ToList();
            Assert.Equal(6, all.Distinct().Count());
        }
        Assert.All(first.Zip(second), slopes => Assert.NotEqual(slopes.First, slopes.Second));

        static float[] Slopes(EpochReport report) => [.. report.Health!.Layers[..^1].Select(layer => layer.Alpha)];
    }
}
