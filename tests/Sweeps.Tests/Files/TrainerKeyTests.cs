using CsCheck;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Sweeps.Tests;

public class TrainerKeyTests
{
    private const string Command = "name: mine\ntrainer: { command: [python3, train.py], parameters: { units: 32, rate: 0.5, kind: tree, deep: false } }\n";

    private static SweepReading Parse(string text) => SweepFile.Parse(text, "mine.yaml");

    private static Sweep Read(string text) => Parse(text).Sweep ?? throw new InvalidOperationException(string.Join("\n", Parse(text).Problems));

    [Fact]
    public void Parse_Fused_ChangesNoId()
    {
        var without = SweepTexts.Read("space: { activation: [relu, elu] }");
        var with = SweepTexts.Read("trainer: fused\nspace: { activation: [relu, elu] }");

        Assert.Equal(SweepTexts.CellIds(without), SweepTexts.CellIds(with));
        Assert.Equal(without.Cells[0].Configuration.FusionKey, with.Cells[0].Configuration.FusionKey);
        Assert.True(SweepChange.Between(without, with).IsIdentical);
        Assert.Equal("fused", with.Cells[0].Configuration[Parameters.Trainer]);
    }

    [Fact]
    public void Parse_Command_NeedsNeitherDataSetNorLayers()
    {
        var configuration = Assert.Single(Read(Command).Cells).Configuration;

        Assert.Equal("command", configuration[Parameters.Trainer]);
        Assert.Equal(["python3", "train.py"], configuration[Parameters.CommandLine]);
        Assert.Equal(("32", "0.5", "\"tree\"", "false"), (configuration.Values["units"].Json, configuration.Values["rate"].Json,
            configuration.Values["kind"].Json, configuration.Values["deep"].Json));
        Assert.False(configuration.Values.ContainsKey("dataset"));
        Assert.False(configuration.Values.ContainsKey("hidden"));
        Assert.Equal(20, configuration[Parameters.Epochs]);
    }

    [Fact]
    public void Parse_Simulate_HasItsNumbers()
    {
        var sweep = Read("name: sizing\ntrainer: { simulate: { seconds: 2.5, cohort: 8 } }\nspace: { learningRate: [0.1, 0.2] }");

        var configuration = sweep.Cells[0].Configuration;
        Assert.Equal((2.5, 0.9, 8), (configuration[Parameters.SimulatedSeconds], configuration[Parameters.SimulatedAccuracy], configuration[Parameters.SimulatedCohort]));
        Assert.Equal(configuration.FusionKey, sweep.Cells[1].Configuration.FusionKey);
    }

    [Theory]
    [InlineData("trainer: { simulate: {} }", "trainer: fused\ndataset: digits\nnetwork: { hidden: [8] }", "trainer: simulate -> fused")]
    [InlineData("trainer: { simulate: { seconds: 2 } }", "trainer: { simulate: {} }", "trainer.simulate.seconds: 2 -> 1")]
    [InlineData("trainer: { command: [a, b] }", "trainer: { command: [a, c] }", "trainer.command: [\"a\",\"b\"] -> [\"a\",\"c\"]")]
    [InlineData("trainer: { command: [a], parameters: { units: 3 } }", "trainer: { command: [a], parameters: { units: 4 } }", "trainer.parameters.units: 3 -> 4")]
    public void Between_OtherTrainer_IsAnotherSweepAndOtherCells(string before, string after, string difference)
    {
        var (current, proposed) = (Read($"name: mine\n{before}"), Read($"name: mine\n{after}"));

        Assert.Equal([difference], SweepChange.Between(current, proposed).Differences);
        Assert.NotEqual(current.Cells[0].Id, proposed.Cells[0].Id);
        Assert.NotEqual(current.Cells[0].Configuration.FusionKey, proposed.Cells[0].Configuration.FusionKey);
    }

    [Fact]
    public void Parse_FreeParameterInSpace_VariesLikeOthers()
    {
        var sweep = Read(Command + "space: { units: [8, 16, 32], kind: [tree, net], rate: { values: [0.1, 1], when: { kind: net } }, activation: [relu, elu] }\n"
            + "claims: [ { kind: net > tree }, { units: 32 > 8 } ]\n");

        Assert.Equal(3 * (1 + 2) * 2, sweep.Cells.Length);
        Assert.Equal(sweep.Cells.Length, SweepTexts.CellIds(sweep).Distinct().Count());
        // Where the condition does not hold, the default does.
        Assert.All(sweep.Cells.Where(cell => cell.Configuration.Values["kind"].AsText() == "tree"),
            cell => Assert.Equal("0.5", cell.Configuration.Values["rate"].Json));
        Assert.Equal(["units", "kind", "rate", "activation"], sweep.Factors.Select(factor => factor.Name));
        Assert.Equal(2, sweep.Claims.Length);
    }

    [Fact]
    public void Parse_FreeParameterDrawn_StaysInItsBounds()
    {
        var sweep = Read(Command + "space: { units: { integer: [4, 64] }, rate: { logUniform: [0.01, 10] } }\nsearch: { method: random, trials: 40, seed: 3 }\n");

        Assert.Equal(40, sweep.Cells.Length);
        Assert.All(sweep.Cells, cell => Assert.InRange(cell.Configuration.Values["units"].AsInteger(), 4, 64));
        Assert.All(sweep.Cells, cell => Assert.InRange(cell.Configuration.Values["rate"].AsNumber(), 0.01, 10));
    }

    [Fact]
    public void Parse_FreeParametersInAList_TakeDefaultsElsewhere()
    {
        var sweep = Read(Command + "search: { method: list, configurations: [ { units: 8 }, { kind: net, learningRate: 0.1 } ] }\n");

        Assert.Equal(["8", "32"], sweep.Cells.Select(cell => cell.Configuration.Values["units"].Json));
        Assert.Equal(["tree", "net"], sweep.Cells.Select(cell => cell.Configuration.Values["kind"].AsText()));
    }

    [Theory]
    [InlineData("space: { unit: [8] }", "did you mean 'units'?")]
    [InlineData("space: { units: [8.5] }", "expected a whole number, found '8.5'; its default is a whole number: write 32.0 there if any number will do")]
    [InlineData("space: { rate: [fast] }", "expected a number, found 'fast'")]
    [InlineData("space: { deep: [yes] }", "write true")]
    [InlineData("space: { kind: [net], units: { values: [1], when: { kind: forest } } }", "kind is never forest in this sweep")]
    [InlineData("claims: [ { units: 3 > 4 } ]", "units does not vary in this sweep")]
    [InlineData("dataset: csv\ndataFile: my.csv", "the trainer command reads no data; hand the command its file's path as one of its parameters")]
    public void Parse_WrongUseOfFreeParameters_SaysTheRemedy(string lines, string remedy) =>
        Assert.Contains(remedy, Assert.Single(Parse(Command + lines).Problems).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("trainer: command", "write { command: [python3, train.py] }")]
    [InlineData("trainer: simulated", "write { simulate: { seconds: 1 } }")]
    [InlineData("trainer: fusd", "did you mean 'fused'?")]
    [InlineData("trainer: { command: [a], parameters: { learningRate: 1 } }", "the name is taken by training.learningRate, which the command is handed too")]
    [InlineData("trainer: { command: [a, 3] }", "put it in quotes")]
    [InlineData("trainer: { command: [\"a\\0b\"] }", "which no program takes")]
    public void Parse_WrongTrainer_IsTheOnlyProblem(string trainer, string remedy) =>
        Assert.Contains(remedy, Assert.Single(Parse($"name: mine\n{trainer}").Problems).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("training: { nesterov: true }", "nesterov has no effect without momentum: in 1 of 1 cells")]
    [InlineData("training: { weightDecay: 0 }\nspace: { optimizer: [adam, adamw] }", "adamw without weightDecay is adam: in 1 of 2 cells")]
    [InlineData("training: { schedule: step, epochs: 10 }", "the step schedule never steps")]
    public void Parse_SettingThatDoesNothingAlone_IsWarnedOf(string lines, string warning)
    {
        var problem = Assert.Single(SweepTexts.Problems(lines));
        Assert.True(problem.IsWarning);
        Assert.StartsWith(warning, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_WrittenConfiguration_GivesTheSame() =>
        Gen.Select(Gen.String[Gen.Char["ab\"'\\{}ä€ \n"], 1, 8].Array[1, 4], Gen.Double[-1e9, 1e9], Gen.Int, Gen.Bool, Gen.String[Gen.Char["ab\"'\\[]ä€"], 1, 20])
            .Sample((words, rate, units, deep, kind) =>
            {
                var configuration = Configuration.Resolve(new Dictionary<string, ParameterValue>
                {
                    ["trainer"] = ParameterValue.Of("command"),
                    ["command"] = ParameterValue.Of([.. words]),
                    ["rate"] = ParameterValue.Of(rate),
                    ["units"] = ParameterValue.Of((long)units),
                    ["deep"] = ParameterValue.Of(deep),
                    ["Kind"] = ParameterValue.Of(kind),
                });
                var read = Configuration.Parse(configuration.Json);

                Assert.Equal((configuration, configuration.CellId, configuration.FusionKey), (read, read.CellId, read.FusionKey));
                Assert.Equal(words, read[Parameters.CommandLine]);
                Assert.Equal(kind, read.Values["Kind"].AsText());
                Assert.Equal(configuration.Values.Keys.Order(StringComparer.Ordinal), configuration.Values.Keys);
            });

    [Fact]
    public void FusionKey_FreeParameters_AreApart() => Gen.Int.Array[2].Where(pair => pair[0] != pair[1]).Sample(pair =>
    {
        var keys = pair.Select(units => Configuration.Resolve(new Dictionary<string, ParameterValue>
        {
            ["trainer"] = ParameterValue.Of("command"),
            ["command"] = ParameterValue.Of(["a"]),
            ["units"] = ParameterValue.Of((long)units),
        }).FusionKey).ToList();
        Assert.NotEqual(keys[0], keys[1]);
    });
}
