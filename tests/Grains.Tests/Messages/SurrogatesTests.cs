using DeepTrain.Cluster.Sweeps;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace DeepTrain.Cluster.Grains.Tests;

public sealed class SurrogatesTests
{
    private static readonly Serializer Serializer = new ServiceCollection().AddSerializer().BuildServiceProvider().GetRequiredService<Serializer>();

    [Fact]
    public void FencedReport_WithGradientHealth_ArrivesWhole()
    {
        var health = new GradientHealth([new(1, 2, 3, 4, float.NaN, 5, 6, float.PositiveInfinity), new(7, 8, 9, 10, 11, 12, 13, 14)],
            Ailments.Vanishing | Ailments.Dying);
        var report = new FencedReport(new(new("digits-1", "0123456789abcdef", 3), 4, 0.5, double.NaN, 0.25, 40, 1.5,
            new(Outcome.Completed, 0.125, 0.75)) { Samples = 1_280, Health = health }, 7) { Checkpoint = "file-4" };

        var arrived = Serializer.Deserialize<FencedReport>(Serializer.SerializeToArray(report));

        Assert.Equal(health.Layers, arrived!.Report.Health!.Layers);
        Assert.Equal(health.Ailments, arrived.Report.Health.Ailments);
        // Lists that are equal are two all the same.
        Assert.Equal(report, arrived with { Report = arrived.Report with { Health = health } });
    }

    [Fact]
    public void FencedReport_OfAFailure_ArrivesWithItsLog()
    {
        var report = new FencedReport(new(new("digits-1", "0123456789abcdef", 3), 4, double.NaN, double.NaN, double.NaN, 0, 0,
            new(Outcome.Failed, Failure: new(FailureClass.CodeError, "exit code 1") { Log = "Traceback" })), 7);

        Assert.Equal(report, Serializer.Deserialize<FencedReport>(Serializer.SerializeToArray(report)));
    }

    [Fact]
    public void FencedReport_WithoutGradientHealth_ArrivesWithout()
    {
        var report = new FencedReport(new(new("digits-1", "0123456789abcdef", 3), 4, 0.5, 0.25, 0.25, 40, 1.5, null), 7);

        Assert.Equal(report, Serializer.Deserialize<FencedReport>(Serializer.SerializeToArray(report)));
    }
}
