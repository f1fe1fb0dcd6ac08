using DeepTrain.Cluster.Grains.Trials;
using DeepTrain.Cluster.Sweeps.Trials;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace DeepTrain.Cluster.Grains.Tests;

public sealed class SurrogatesTests
{
    private static readonly Serializer Serializer = new ServiceCollection().AddSerializer().BuildServiceProvider().GetRequiredService<Serializer>();

    [Fact]
    public void EpochReport_WithGradientHealth_ArrivesWhole()
    {
        var health = new GradientHealth([new(1, 2, 3, 4, float.NaN, 5, 6, float.PositiveInfinity), new(7, 8, 9, 10, 11, 12, 13, 14)],
            Ailments.Vanishing | Ailments.Dying);
        var report = new EpochReport(new("digits-1", "0123456789abcdef", 3), 4, 0.5, double.NaN, 0.25, 40, 1.5,
            new(Outcome.Completed, 0.125, 0.75)) { Samples = 1_280, Health = health };

        var arrived = Carry(report);

        Assert.Equal(health.Layers, arrived.Health!.Layers);
        Assert.Equal(health.Ailments, arrived.Health.Ailments);
        // Lists that are equal are two all the same.
        Assert.Equal(report, arrived with { Health = health });
    }

    [Fact]
    public void EpochReport_OfAFailure_ArrivesWithItsLog()
    {
        var report = new EpochReport(new("digits-1", "0123456789abcdef", 3), 4, double.NaN, double.NaN, double.NaN, 0, 0,
            new(Outcome.Failed, Failure: new(FailureClass.CodeError, "exit code 1") { Log = "Traceback" }));

        Assert.Equal(report, Carry(report));
    }

    [Fact]
    public void EpochReport_WithoutGradientHealth_ArrivesWithout()
    {
        var report = new EpochReport(new("digits-1", "0123456789abcdef", 3), 4, 0.5, 0.25, 0.25, 40, 1.5, null);

        Assert.Equal(report, Carry(report));
    }

    [Theory]
    [InlineData(Outcome.Completed, Ailments.Vanishing | Ailments.Dying)]
    [InlineData(Outcome.Diverged, null)]
    public void TrialEnding_OfAnyOutcome_ArrivesWhole(Outcome outcome, Ailments? ailments)
    {
        var ending = new TrialEnding(new("digits-1", "0123456789abcdef", 3), 7, outcome, 0.5, double.NaN, 0.25, ailments);

        Assert.Equal(ending, Carry(ending));
    }

    private static T Carry<T>(T value) => Serializer.Deserialize<T>(Serializer.SerializeToArray(value))!;
}
