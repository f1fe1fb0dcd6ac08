using System.Collections.Immutable;
using CsCheck;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Sweeps.Tests;

public class SweepSummaryTests
{
    private const string Accuracy = "space: { activation: [relu, elu, tanh] }\nreplicates: 4";
    private const string Loss = Accuracy + "\nobjective: { metric: validation.loss }";

    private static TrialResult Result(Sweep sweep, int cell, int replicate, double? value, Outcome outcome = Outcome.Completed) => new(
        new($"{sweep.Name}-1", sweep.Cells[cell].Id, replicate), outcome, value, value, value, value, value / 2, 20, 1, 1, null);

    [Theory]
    [InlineData(Accuracy)]
    [InlineData(Loss)]
    public void Of_AnyResults_AgreesWithTheFormulasInAnyOrder(string lines)
    {
        var sweep = SweepTexts.Read(lines);
        var outcome = Gen.Frequency((5, Gen.Const(Outcome.Completed)), (1, Gen.Const(Outcome.Diverged)), (1, Gen.Const(Outcome.Failed)));
        var slot = Gen.Select(Gen.Double[0, 1], outcome, Gen.Bool);
        Gen.Select(slot.Array[12], Gen.Int).Sample((slots, seed) =>
        {
            var results = slots.Index().Where(slot => slot.Item.Item3 || slot.Index % 3 == 0)
                .Select(slot => Result(sweep, slot.Index / 4, (slot.Index % 4) + 1, slot.Item.Item1, slot.Item.Item2)).ToArray();
            var summary = SweepSummary.Of(sweep, results);
            foreach (var cell in summary.Cells)
            {
                var mine = results.Where(result => result.Trial.Cell == cell.Cell.Id).ToList();
                var values = mine.Where(result => result.Outcome is Outcome.Completed).Select(result => result.ValidationLoss!.Value).ToList();
                Assert.Equal((values.Count, mine.Count(result => result.Outcome is Outcome.Diverged), mine.Count(result => result.Outcome is Outcome.Failed)),
                    (cell.Replicates, cell.Diverged, cell.Failed));
                Assert.Equal(values.Count == 0, cell.Mean is null);
                Assert.Equal(values.Count < 2, cell.Spread is null);
                if (values.Count == 0)
                    continue;
                var mean = values.Sum() / values.Count;
                Assert.Equal(mean, cell.Mean!.Value, 1e-12);
                Assert.Equal(mean / 2, cell.TestAccuracy!.Value, 1e-12);
                Assert.Equal(values.Min(value => Math.Abs(value - mean)),
                    Math.Abs(mine.Single(result => result.Trial == cell.Trial).ValidationLoss!.Value - mean), 1e-12);
                if (values.Count > 1)
                    Assert.Equal(Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Count - 1)), cell.Spread!.Value, 1e-12);
            }

            var means = summary.Cells.Select(cell => cell.Mean).ToList();
            Assert.Equal(sweep.Objective.Goal is Goal.Maximize
                ? means.OrderByDescending(mean => mean ?? double.MinValue)
                : means.OrderBy(mean => mean ?? double.MaxValue), means);
            Assert.Equal(summary.Cells.FirstOrDefault(cell => cell.Replicates == 4), summary.Best);

            new Random(seed).Shuffle(results);
            var shuffled = SweepSummary.Of(sweep, results);
            Assert.Equal(summary.Cells.AsEnumerable(), shuffled.Cells);
        });
    }

    [Fact]
    public void Of_BestMeanWithAReplicateMissing_IsNotTheBest()
    {
        var sweep = SweepTexts.Read(Accuracy);
        var summary = SweepSummary.Of(sweep, [
            .. Enumerable.Range(1, 4).Select(replicate => Result(sweep, 0, replicate, 0.5)),
            .. Enumerable.Range(1, 3).Select(replicate => Result(sweep, 1, replicate, 0.9)),
            Result(sweep, 1, 4, null, Outcome.Diverged)]);
        Assert.Equal(sweep.Cells[1], summary.Cells[0].Cell);
        Assert.Equal(sweep.Cells[0], summary.Best!.Cell);
        Assert.Null(summary.Cells[2].Mean);
        Assert.Equal(1, summary.Best.Trial!.Value.Replicate);
    }

    [Fact]
    public void Of_NoResults_KeepsTheOrderOfTheFile()
    {
        var sweep = SweepTexts.Read(Accuracy);
        var summary = SweepSummary.Of(sweep, []);
        Assert.Equal(sweep.Cells.AsEnumerable(), summary.Cells.Select(cell => cell.Cell));
        Assert.Null(summary.Best);
    }

    [Fact]
    public void Of_ObjectiveThatIsNotFinite_DoesNotCount()
    {
        var sweep = SweepTexts.Read(Loss);
        var summary = SweepSummary.Of(sweep, [Result(sweep, 0, 1, double.NaN), Result(sweep, 0, 2, double.PositiveInfinity), Result(sweep, 0, 3, 1e300)]);
        Assert.Equal((1, 1e300), (summary.Cells[0].Replicates, summary.Cells[0].Mean));
    }

    // A tenth cannot be written in binary: naive sums of squares lose all digits of such a spread.
    [Fact]
    public void Of_SmallSpreadOnALargeMean_IsExact()
    {
        var sweep = SweepTexts.Read(Loss);
        ImmutableArray<double> values = [1e9 + 0.1, 1e9 + 0.2, 1e9 + 0.3];
        var summary = SweepSummary.Of(sweep, values.Index().Select(value => Result(sweep, 0, value.Index + 1, value.Item)));
        Assert.Equal(0.1, summary.Cells[0].Spread!.Value, 1e-6);
    }

    [Fact]
    public void Of_NumbersWhoseSumOrSquareIsInfinite_HasFiniteNumbersOrNone()
    {
        var sweep = SweepTexts.Read("space: { activation: [relu, elu, tanh] }\nreplicates: 2\nobjective: { metric: validation.loss }");
        TrialResult[] results =
        [
            Result(sweep, 0, 1, 1e200), Result(sweep, 0, 2, 3e200),
            Result(sweep, 1, 1, double.MaxValue), Result(sweep, 1, 2, double.MaxValue),
            Result(sweep, 2, 1, double.MaxValue), Result(sweep, 2, 2, -double.MaxValue),
        ];

        var cells = SweepSummary.Of(sweep, results).Cells.ToDictionary(cell => cell.Cell.Id);

        var (large, equal, opposite) = (cells[sweep.Cells[0].Id], cells[sweep.Cells[1].Id], cells[sweep.Cells[2].Id]);
        Assert.Equal((2, 2e200, Math.Sqrt(2) * 1e200), (large.Replicates, large.Mean!.Value, large.Spread!.Value), Within);
        Assert.Equal((2, double.MaxValue, 0), (equal.Replicates, equal.Mean!.Value, equal.Spread!.Value), Within);
        Assert.Equal((2, (double?)0, (double?)null), (opposite.Replicates, opposite.Mean, opposite.Spread));
        Assert.NotNull(opposite.Trial);

        static bool Within((int, double, double) one, (int, double, double) other) =>
            one.Item1 == other.Item1 && Near(one.Item2, other.Item2) && Near(one.Item3, other.Item3);
        static bool Near(double one, double other) => one == other || Math.Abs((one / other) - 1) < 1e-12;
    }
}
