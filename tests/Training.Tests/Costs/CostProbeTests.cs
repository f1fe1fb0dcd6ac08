using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class CostProbeTests
{
    [Fact]
    public void Of_NineRatios_GivesMedianAndItsInterval() =>
        Assert.Equal(new CostRatio(5, 2, 8), CostProbe.Of([9, 1, 5, 2, 8, 4, 6, 3, 7]));

    [Fact]
    public void Measure_SweepWithBatchNorm_ComparesEachActivationAndBatchNorm()
    {
        var sweep = SweepFile.Parse("""
            name: costs
            dataset: digits
            network: { hidden: [16] }
            space: { activation: [relu, tanh], batchNorm: [false, true] }
            """, "costs.yaml").Sweep!;
        var told = new List<string>();
        var costs = new CostProbe(TimeProvider.System).Measure(sweep, told.Add).ToList();
        Assert.Equal(["activation relu", "activation tanh", "batchNorm true"], costs.Select(cost => $"{cost.Factor} {cost.Level}"));
        Assert.Equal(["identity", "identity", "false"], costs.Select(cost => cost.Baseline));
        Assert.Equal(3, told.Count);
        Assert.All(costs, cost => Assert.All(new[] { cost.Training, cost.Evaluation }, ratio =>
        {
            Assert.InRange(ratio.Low, double.Epsilon, ratio.Median);
            Assert.InRange(ratio.High, ratio.Median, double.MaxValue);
        }));
    }
}
