using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Training.Fusion;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class StartWeightsTests
{
    /// <summary>Sigmoidal and rectifying, saturating and not, with batch norm, which does not enter, and without.</summary>
    [Fact]
    public void Fill_Lsuv_GivesEachLayerUnitVarianceOnTheFirstMiniBatch()
    {
        using var run = new FusedTrainer(TimeProvider.System).Start(Cohort("lsuv"));
        Assert.All(run.ReportStart(), report => Assert.All(report.Health!.Layers, layer => Assert.InRange(layer.Variance, 0.9, 1.1)));
    }

    [Fact]
    public void Fill_Orthogonal_LeavesSomeLayerFarFromUnitVariance()
    {
        using var run = new FusedTrainer(TimeProvider.System).Start(Cohort("orthogonal"));
        Assert.All(run.ReportStart(), report => Assert.Contains(report.Health!.Layers, layer => layer.Variance is < 0.5f or > 2));
    }

    private static Cohort Cohort(string initializer) => (
        from activation in new[] { "logistic", "tanh", "relu", "elu", "softplus" }
        from batchNorm in new[] { false, true }
        select Trials.Configuration(
            (Parameters.Hidden, new[] { 40, 40, 40, 40, 40, 40 }), (Parameters.Activation, activation), (Parameters.BatchNorm, batchNorm),
            (Parameters.Initializer, initializer)).Trial()).Cohort();
}
