using CsCheck;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Sweeps.Tests;

public class SpaceTests
{
    private static readonly Gen<string> Factors = Gen.Select(
        Gen.Shuffle(new[] { "relu", "leaky-relu", "elu", "prelu", "tanh" }, 1, 4),
        Gen.Int[0, 4], Gen.Int[1, 3], Gen.Int[1, 4], Gen.Bool).Select((activations, alphas, depths, rates, conditional) => string.Join("\n",
        [
            $"  activation: [{string.Join(", ", activations)}]",
            .. alphas == 0 ? Array.Empty<string>() : [$"  leakAlpha: [{Tenths(alphas)}]", $"  eluAlpha: [{Tenths(alphas)}]"],
            $"  depth: [{string.Join(", ", Enumerable.Range(1, depths))}]",
            $"  momentum: {{ {(conditional ? "when: { depth: 1 }, " : "")}values: [{Tenths(rates)}] }}",
        ]));

    private static string Tenths(int count) => string.Join(", ", Enumerable.Range(1, count).Select(i => $"0.{i}"));

    [Fact]
    public void Grid_AnySpace_HasDistinctCellsInOneOrder() => Factors.Sample(factors =>
    {
        var lines = $"network: {{ width: 4 }}\nspace:\n{factors}";
        var cells = SweepTexts.CellIds(SweepTexts.Read(lines)).ToList();
        Assert.Equal(cells.Count, cells.Distinct().Count());
        Assert.Equal(cells, SweepTexts.CellIds(SweepTexts.Read(lines)));
    }, iter: 200);

    // Cells of one sweep share what does not vary among them.
    [Fact]
    public void Grid_EachCell_IsWhatItsLevelsResolveTo() => Factors.Sample(
        factors => AssertResolved($"network: {{ width: 4 }}\nspace:\n{factors}"), iter: 200);

    // Samples are drawn on values of which each puts back what it chose.
    [Fact]
    public void Draw_EachCell_IsWhatItsLevelsResolveTo() => Factors.Sample(factors => AssertResolved(
        $"network: {{ width: 4 }}\nspace:\n{factors}\n  learningRate: {{ logUniform: [0.001, 1] }}\nsearch: {{ method: random, trials: 50, seed: 3 }}"),
        iter: 50);

    private static void AssertResolved(string lines)
    {
        var sweep = SweepTexts.Read(lines);
        var defaults = sweep.Fixed.SetItems(sweep.Factors.Where(factor => factor.Parameter.Default is not null)
            .Select(factor => KeyValuePair.Create(factor.Name, factor.Parameter.Default!)));
        foreach (var cell in sweep.Cells)
        {
            var alone = Configuration.Resolve(defaults.SetItems(cell.Levels.Select(level => KeyValuePair.Create(level.Factor, level.Value))));
            Assert.Equal((alone.Json, alone.CellId, alone.FusionKey), (cell.Configuration.Json, cell.Id, cell.Configuration.FusionKey));
        }
    }

    [Fact]
    public void Grid_KeysInAnotherOrder_HasTheSameCells() => Factors.Sample(factors =>
    {
        var reversed = string.Join('\n', factors.Split('\n').Reverse());
        Assert.Equal(
            SweepTexts.CellIds(SweepTexts.Read($"network: {{ width: 4 }}\nspace:\n{factors}")).Order(),
            SweepTexts.CellIds(SweepTexts.Read($"space:\n{reversed}\nnetwork: {{ width: 4 }}")).Order());
    }, iter: 100);

    [Fact]
    public void Grid_FixedKeyMovedIntoSpace_KeepsItsCells()
    {
        var before = SweepTexts.Read("training: { learningRate: 0.05 }\nspace: { activation: [relu, elu] }");
        var after = SweepTexts.Read("space: { activation: [relu, elu], learningRate: [0.1, 0.05] }");
        Assert.Subset(SweepTexts.CellIds(after).ToHashSet(), SweepTexts.CellIds(before).ToHashSet());
        Assert.Equal(4, after.Cells.Length);
    }

    [Fact]
    public void Grid_DepthAndWidth_AreTheSameCellAsHidden() => Assert.Equal(
        SweepTexts.Read("network: { hidden: [7, 7, 7] }").Cells[0].Id,
        SweepTexts.Read("network: { width: 7 }\nspace: { depth: [3] }").Cells[0].Id);

    // The limit is 200,000 trials: a number of replicates that just fits, or just does not, tells how many cells were counted.
    [Fact]
    public void Grid_CountBeforeExpansion_EqualsTheCells() => Factors.Sample(factors =>
    {
        var lines = $"network: {{ width: 4 }}\nspace:\n{factors}\n";
        var cells = SweepTexts.Read(lines).Cells.Length;
        var fitting = Sweep.TrialLimit / cells;
        Assert.NotNull(SweepFile.Parse(SweepTexts.With($"{lines}replicates: {fitting}"), "test.yaml").Sweep);
        if (fitting < Sweep.TrialLimit)
            Assert.Null(SweepFile.Parse(SweepTexts.With($"{lines}replicates: {fitting + 1}"), "test.yaml").Sweep);
    }, iter: 100);

    [Fact]
    public void Grid_WhenOnALaterFactor_IsKept()
    {
        var sweep = SweepTexts.Read("space:\n  momentum: { when: { batchNorm: true }, values: [0.1, 0.2] }\n  batchNorm: [false, true]");
        Assert.Equal(
            ["batchNorm=false", "momentum=0.1 batchNorm=true", "momentum=0.2 batchNorm=true"],
            sweep.Cells.Select(cell => string.Join(' ', cell.Levels.Select(level => $"{level.Factor}={level.Value}"))));
        Assert.Equal(0, sweep.Cells[0].Configuration[Parameters.Momentum]);
    }

    [Fact]
    public void Grid_WhenOnAFactorWithoutEffect_DoesNotHold()
    {
        var sweep = SweepTexts.Read("space:\n  activation: [relu, leaky-relu]\n  leakAlpha: { when: { activation: leaky-relu }, values: [0.01, 0.2] }\n"
            + "  momentum: { when: { leakAlpha: 0.01 }, values: [0.5, 0.9] }");
        Assert.Equal(4, sweep.Cells.Length);
    }

    [Fact]
    public void Grid_HiddenAsAFactor_VariesTheLayers()
    {
        var sweep = SweepTexts.Read("network: {}\nspace: { hidden: [[64, 32], [128]] }\nclaims: [ { hidden: '[128] > [64, 32]' } ]");
        Assert.Equal([2, 1], sweep.Cells.Select(cell => cell.Configuration[Parameters.Hidden].Length));
        Assert.Equal("[128]", sweep.Claims[0].Order[0].Json);
    }

    [Fact]
    public void List_Configurations_AreTheCells()
    {
        var sweep = SweepTexts.Read("search: { method: list, configurations: [ { activation: relu, learningRate: 0.1 }, { activation: elu, batchNorm: true } ] }");
        Assert.Equal(["activation", "learningRate", "batchNorm"], sweep.Factors.Select(factor => factor.Name));
        Assert.Equal(
            ["activation=relu learningRate=0.1 batchNorm=false", "activation=elu learningRate=0.01 batchNorm=true"],
            sweep.Cells.Select(cell => string.Join(' ', cell.Levels.Select(level => $"{level.Factor}={level.Value}"))));
        Assert.Equal(sweep.Cells[0].Id, SweepTexts.Read("network: { hidden: [8], activation: relu }\ntraining: { learningRate: 0.1 }").Cells[0].Id);
    }
}
