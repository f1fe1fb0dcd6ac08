using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Grains.Tests;

public sealed class SweepTallyTests
{
    private static readonly Sweep Sweep = Parse("""
        activation: [relu, leaky-relu]
          leakAlpha: { when: { activation: leaky-relu }, values: [0.01, 0.2] }
        """);

    [Fact]
    public void Levels_TrialsOfSeveralOutcomes_AreMeansOverThoseThatSaySomething()
    {
        var tally = new SweepTally(Sweep, []);
        Record(tally, "relu", null, 1, Outcome.Completed, 0.9, Ailments.None);
        Record(tally, "relu", null, 2, Outcome.Completed, 0.7, Ailments.Dying);
        Record(tally, "leaky-relu", "0.2", 1, Outcome.Diverged, null, Ailments.Diverged);
        Record(tally, "leaky-relu", "0.2", 2, Outcome.Failed, null, null);
        Record(tally, "leaky-relu", "0.01", 1, Outcome.Completed, 0.5, null);
        // A repeat counts once.
        Record(tally, "leaky-relu", "0.01", 1, Outcome.Completed, 0.5, null);

        Assert.Equal(
            [
                new("activation", "relu", 2, 0.8, 0, 0.5),
                new("activation", "leaky-relu", 2, 0.5, 0.5, 1),
                new("leakAlpha", "0.01", 1, 0.5, 0, null),
                new("leakAlpha", "0.2", 1, null, 1, 1),
            ],
            tally.Levels);
    }

    [Theory]
    [InlineData(double.MaxValue, double.MaxValue, double.MaxValue)]
    [InlineData(-double.MaxValue, double.MaxValue, 0)]
    [InlineData(0.1, 0.2, (0.1 + 0.2) / 2)]
    public void Record_ObjectivesAsLargeAsNumbersGet_HaveAFiniteMean(double one, double other, double mean)
    {
        var tally = new SweepTally(Sweep, []);
        Record(tally, "relu", null, 1, Outcome.Completed, one, null);
        Record(tally, "relu", null, 2, Outcome.Completed, other, null);

        Assert.Equal(mean, tally.Best!.Objective);
        Assert.Equal(mean, tally.Levels[0].Objective);
    }

    [Fact]
    public void Levels_CountedAnewFromTheStore_AreTheSame()
    {
        var cell = Cell("relu", null);
        var counted = new SweepTally(Sweep, []);
        counted.Record(new("digits-1", cell.Id, 2), Outcome.Completed, 0.75, Ailments.Vanishing);

        var read = new SweepTally(Sweep, [new(cell.Id, 2, Outcome.Completed, 0.5, 0.6, 0.75, Ailments.Vanishing)]);

        Assert.Equal(counted.Levels, read.Levels);
        Assert.Equal(1, read.Levels[0].Unhealthy);
    }

    [Fact]
    public void Levels_MoreThanTheLimit_AreThoseOfTheFirstFactorsThatFit()
    {
        var rates = string.Join(", ", Enumerable.Range(1, SweepTally.MostLevels - 1).Select(number => $"0.{number:00}"));
        var sweep = Parse($"""
            learningRate: [{rates}]
              activation: [relu, tanh]
              batchNorm: [true]
            """);

        var factors = new SweepTally(sweep, []).Levels.CountBy(level => level.Factor).ToDictionary();

        Assert.Equal(new() { ["learningRate"] = SweepTally.MostLevels - 1, ["batchNorm"] = 1 }, factors);
    }

    [Fact]
    public void Levels_FactorDrawnFromARange_HasNone()
    {
        var sweep = Parse("learningRate: { logUniform: [0.001, 1] }", "search: { method: random, trials: 8, seed: 1 }");

        Assert.Empty(new SweepTally(sweep, []).Levels);
    }

    private static void Record(
        SweepTally tally, string activation, string? alpha, int replicate, Outcome outcome, double? objective, Ailments? ailments) =>
        tally.Record(new("digits-1", Cell(activation, alpha).Id, replicate), outcome, objective, ailments);

    private static Cell Cell(string activation, string? alpha) => Sweep.Cells.Single(cell =>
        cell.Levels.Any(level => $"{level.Value}" == activation) && (alpha is null || cell.Levels.Any(level => $"{level.Value}" == alpha)));

    private static Sweep Parse(string space, string search = "search: { method: grid }") => SweepFile.Parse($$"""
        name: digits
        dataset: digits
        network: { hidden: [16] }
        training: { epochs: 2, batchSize: 32, optimizer: sgd }
        space:
          {{space}}
        {{search}}
        replicates: 2
        objective: { metric: validation.accuracy, goal: maximize }
        """, "sweep").Sweep!;
}
