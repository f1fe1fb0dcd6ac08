using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Training.Costs;
using DeepTrain.Cluster.Training.Native;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class CostProbeTests
{
    [Fact]
    public void Of_NineRatios_GivesMedianAndItsInterval() =>
        Assert.Equal(new CostRatio(5, 2, 8), CostProbe.Of([9, 1, 5, 2, 8, 4, 6, 3, 7]));

    /// <summary>
    /// The level takes twice as long as its baseline, each training run three times an evaluation, on a machine that becomes slower with
    /// each run: a pair in another order than A B B A, or over other runs, would have another ratio.
    /// </summary>
    [Fact]
    public void Measure_MachineThatSlowsDown_GivesTheRatioAllTheSame()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There the size of the cohorts is measured by the same clock.");
        var costs = new CostProbe(new SlowingTime()).Measure(Sweep("activation: [relu]"), _ => { }).ToList();
        var cost = Assert.Single(costs);
        Assert.All(new[] { cost.Training, cost.Evaluation }, ratio => Assert.All(
            new[] { ratio.Low, ratio.Median, ratio.High }, number => Assert.Equal(2, number, 1e-6)));
    }

    [Fact]
    public void Measure_SweepWithBatchNorm_ComparesEachActivationAndBatchNorm()
    {
        var told = new List<string>();
        // By the processor time of this thread: other work on the machine makes no difference.
        var time = ThreadTime.For(ComputeDevice.Processor, TimeProvider.System);
        var costs = new CostProbe(time).Measure(Sweep("activation: [identity, mish], batchNorm: [false, true]"), told.Add).ToList();
        Assert.Equal(["activation identity", "activation mish", "batchNorm true"], costs.Select(cost => $"{cost.Factor} {cost.Level}"));
        Assert.Equal(["identity", "identity", "false"], costs.Select(cost => cost.Baseline));
        Assert.Equal(3, told.Count);
        Assert.InRange(costs[0].Training.Median, 0.8, 1.25);
        Assert.InRange(costs[0].Evaluation.Median, 0.8, 1.25);
        Assert.InRange(costs[1].Training.Median, 1.05, 20);
        Assert.InRange(costs[1].Evaluation.Median, 1.05, 20);
        Assert.InRange(costs[2].Training.Median, 1.05, 20);
    }

    private static Sweep Sweep(string space) => SweepFile.Parse($$"""
        name: costs
        dataset: digits
        network: { hidden: [64, 64] }
        space: { {{space}} }
        """, "costs.yaml").Sweep!;

    /// <summary>
    /// Says of each run, in the order in which a probe makes them, how long it has taken: first one of the level and one of the baseline,
    /// then nine times level, baseline, baseline, level; and all of it again for the evaluation.
    /// </summary>
    private sealed class SlowingTime : TimeProvider
    {
        private const int RunsOfAMeasure = 2 + 4 * CostProbe.Pairs;
        private int _asked;
        private long _now;

        public override long TimestampFrequency => 1_000_000_000;

        public override long GetTimestamp()
        {
            var (run, isEnd) = (_asked / 2, _asked++ % 2 == 1);
            var ofMeasure = run % RunsOfAMeasure;
            if (isEnd)
                _now += (long)((run < RunsOfAMeasure ? 3 : 1) * (IsLevel(ofMeasure) ? 2 : 1) * (1 + 0.01 * ofMeasure) * TimestampFrequency);
            return _now;
        }

        private static bool IsLevel(int run) => run < 2 ? run == 0 : (run - 2) % 4 is 0 or 3;
    }
}
