using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Sweeps.Tests;

public class RandomSearchTests
{
    /// <summary>The Kolmogorov-Smirnov statistic times the root of n stays below this in 999 of 1,000 samples.</summary>
    private const double Critical = 1.95;

    private const string Space = """
        space:
          learningRate: { logUniform: [0.001, 1] }
          momentum: { uniform: [0.2, 0.8] }
          batchSize: { integer: [1, 4] }
          activation: [relu, elu, leaky-relu]
          leakAlpha: { when: { activation: leaky-relu }, choice: [0.1, 0.3] }

        """;

    private static Sweep Draw(int trials, int seed = 3) => SweepTexts.Read($"{Space}search: {{ method: random, trials: {trials}, seed: {seed} }}");

    [Fact]
    public void Draw_Domains_HaveTheirDistributions()
    {
        var cells = Draw(4_000).Cells;
        AssertUniform(cells.Select(cell => (Math.Log10(cell.Configuration[Parameters.LearningRate]) + 3) / 3));
        AssertUniform(cells.Select(cell => (cell.Configuration[Parameters.Momentum] - 0.2) / 0.6));
        // Chi-square below 16.3 (3 degrees of freedom) and 13.8 (2) in 999 of 1,000 samples.
        Assert.True(ChiSquare(cells.Select(cell => cell.Configuration[Parameters.BatchSize]), 4) < 16.3);
        Assert.True(ChiSquare(cells.Select(cell => cell.Configuration[Parameters.Activation]), 3) < 13.8);
        Assert.All(cells, cell => Assert.Equal(
            cell.Configuration[Parameters.Activation] == "leaky-relu", cell.Levels.Any(level => level.Factor == "leakAlpha")));
    }

    [Fact]
    public void Draw_Factors_AreIndependent()
    {
        var cells = Draw(4_000).Cells;
        var (x, y) = (cells.Select(cell => Math.Log(cell.Configuration[Parameters.LearningRate])).ToList(),
            cells.Select(cell => cell.Configuration[Parameters.Momentum]).ToList());
        var (meanX, meanY) = (x.Average(), y.Average());
        var correlation = x.Zip(y, (a, b) => (a - meanX) * (b - meanY)).Sum()
            / Math.Sqrt(x.Sum(a => (a - meanX) * (a - meanX)) * y.Sum(b => (b - meanY) * (b - meanY)));
        Assert.InRange(correlation, -3.3 / Math.Sqrt(4_000), 3.3 / Math.Sqrt(4_000));
    }

    [Fact]
    public void Draw_MoreTrials_BeginWithTheSameCells()
    {
        var longer = SweepTexts.CellIds(Draw(200)).ToList();
        Assert.Equal(longer.Take(50), SweepTexts.CellIds(Draw(50)));
        Assert.Equal(200, longer.Distinct().Count());
    }

    [Fact]
    public void Draw_AnotherSeed_DrawsOtherCells() =>
        Assert.Empty(SweepTexts.CellIds(Draw(50)).Intersect(SweepTexts.CellIds(Draw(50, seed: 4))));

    [Fact]
    public void Draw_AnotherFactorBeside_ChangesNoDraw()
    {
        const string search = "search: { method: random, trials: 20 }\n";
        var alone = SweepTexts.Read($"{search}space: {{ momentum: {{ uniform: [0, 0.5] }} }}");
        var beside = SweepTexts.Read($"{search}space: {{ learningRate: {{ uniform: [0.1, 1] }}, momentum: {{ uniform: [0, 0.5] }} }}");
        Assert.Equal(
            alone.Cells.Select(cell => cell.Configuration[Parameters.Momentum]),
            beside.Cells.Select(cell => cell.Configuration[Parameters.Momentum]));
    }

    [Fact]
    public void Draw_FiniteSpace_StopsWhenExhausted()
    {
        var sweep = SweepTexts.Read("space: { activation: [relu, elu, tanh], batchNorm: [false, true] }\nsearch: { method: random, trials: 100 }");
        Assert.Equal(6, sweep.Cells.Length);
        var five = SweepTexts.Read("space: { activation: [relu, elu, tanh], batchNorm: [false, true] }\nsearch: { method: random, trials: 5 }");
        Assert.Equal(SweepTexts.CellIds(sweep).Take(5), SweepTexts.CellIds(five));
    }

    // Cells are stored: a change of the generator would part every stored sweep from its file.
    [Fact]
    public void Draw_KnownSeed_GivesKnownLevels() => Assert.Equal(
        ["0.339854 0.093858", "0.0191609 0.764044", "0.00256108 0.0184134"],
        SweepFile.Read(Repository.PathOf("samples/learning-rates.yaml")).Sweep!.Cells.Take(3)
            .Select(cell => string.Join(' ', cell.Levels.Select(level => level.Value))));

    private static void AssertUniform(IEnumerable<double> sample)
    {
        var sorted = sample.Order().ToList();
        Assert.InRange(sorted[0], 0, 1);
        Assert.InRange(sorted[^1], 0, 1);
        var distance = sorted.Index().Max(item =>
            Math.Max(item.Item - ((double)item.Index / sorted.Count), ((item.Index + 1.0) / sorted.Count) - item.Item));
        Assert.True(distance * Math.Sqrt(sorted.Count) < Critical, $"distance {distance} over {sorted.Count} draws");
    }

    private static double ChiSquare<T>(IEnumerable<T> sample, int classes)
        where T : notnull
    {
        var counts = sample.CountBy(value => value).Select(count => (double)count.Value).ToList();
        Assert.Equal(classes, counts.Count);
        var expected = counts.Sum() / classes;
        return counts.Sum(count => (count - expected) * (count - expected) / expected);
    }
}
