using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Training.Schedules;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class LearningRateScheduleTests
{
    [Fact]
    public void Rate_EverySchedule_AgreesWithPyTorch() => Assert.All(Golden.Values.Schedules, golden =>
    {
        var schedule = new LearningRateSchedule(golden.Configuration, golden.StepsPerEpoch);
        Assert.Equal(golden.Configuration[Parameters.Epochs] * golden.StepsPerEpoch, golden.Rates.Length);
        Assert.All(golden.Rates.Index(), rate => Assert.Equal(rate.Item, schedule.Rate(rate.Index), 0.3 * 1e-14));
    });

    [Theory]
    [InlineData("constant", 0.3, 0.3, 0.3)]
    [InlineData("step", 0.3, 0.3 * 0.5, 0.3 * 0.5 * 0.5)]
    [InlineData("exponential", 0.3, 0.3 * 0.03125, 0.3 * 0.0009765625)]
    [InlineData("cosine", 0.3, 0.15, 0)]
    public void Rate_StartMiddleAndEnd_AreTheSchedules(string name, double start, double middle, double end)
    {
        var schedule = Schedule(epochs: 10, stepsPerEpoch: 4,
            (Parameters.Schedule, name), (Parameters.ScheduleEpochs, 5), (Parameters.ScheduleGamma, 0.5));
        Assert.Equal(start, schedule.Rate(0), 1e-15);
        Assert.Equal(middle, schedule.Rate(20), 1e-15);
        Assert.Equal(end, schedule.Rate(40), 1e-15);
    }

    [Fact]
    public void Rate_OneCycle_RisesToItsPeakAndFallsBelowItsStart()
    {
        var schedule = Schedule(epochs: 10, stepsPerEpoch: 10, (Parameters.Schedule, "one-cycle"));
        double[] rates = [.. Enumerable.Range(0, 100).Select(step => schedule.Rate(step))];
        Assert.Equal(0.3 / 25, rates[0], 1e-15);
        Assert.Equal(0.3, rates[29], 1e-15);
        Assert.Equal(0.3 / 25 / 1e4, rates[99], 1e-15);
        Assert.Equal(rates[..30].Order(), rates[..30]);
        Assert.Equal(rates[29..].OrderDescending(), rates[29..]);
    }

    [Fact]
    public void Rate_WarmUp_RisesInEqualStepsToTheSchedule()
    {
        var schedule = Schedule(epochs: 10, stepsPerEpoch: 4, (Parameters.WarmupEpochs, 1.25));
        Assert.All(Enumerable.Range(0, 5), step => Assert.Equal(0.3 * (step + 1) / 5, schedule.Rate(step), 1e-15));
        Assert.Equal(0.3, schedule.Rate(5));
    }

    private static LearningRateSchedule Schedule(int epochs, int stepsPerEpoch, params (Parameter, object)[] values) =>
        new(Trials.Configuration([(Parameters.Epochs, epochs), (Parameters.LearningRate, 0.3), .. values]), stepsPerEpoch);
}
