using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Sweeps.Tests;

public class SweepFileTests
{
    [Fact]
    public void Read_Quickstart_IsTheDesignsExample()
    {
        var sweep = SweepFile.Read(Repository.PathOf("samples/quickstart.yaml")).Sweep!;
        Assert.Equal("activations-on-digits", sweep.Name);
        Assert.Equal(60, sweep.Cells.Length);
        Assert.Equal(6, sweep.Replicates);
        Assert.Equal(["initializer", "activation", "leakAlpha", "batchNorm"], sweep.Factors.Select(factor => factor.Name));
        Assert.Equal(new Objective(Metric.ValidationAccuracy, Goal.Maximize), sweep.Objective);
        Assert.Equal(["0.2", "0.01"], sweep.Claims[1].Order.Select(level => level.ToString()));
        var configuration = sweep.Cells[0].Configuration;
        Assert.Equal([64, 32], configuration[Parameters.Hidden]);
        Assert.Equal((32, 20, 0.05, 0.9), (configuration[Parameters.BatchSize], configuration[Parameters.Epochs],
            configuration[Parameters.LearningRate], configuration[Parameters.Momentum]));
        Assert.All(sweep.Cells, cell => Assert.Equal(
            cell.Configuration[Parameters.Activation] == "leaky-relu", cell.Levels.Any(level => level.Factor == "leakAlpha")));
    }

    [Fact]
    public void Declare_Quickstart_SaysWhatTheSweepSays()
    {
        var text = File.ReadAllText(Repository.PathOf("samples/quickstart.yaml"));
        var sweep = SweepFile.Parse(text, "quickstart.yaml").Sweep!;

        var declaration = SweepFile.Declare(text)!;

        Assert.Equal((sweep.Name, sweep.Text, sweep.Replicates, sweep.Objective, sweep.Keep, sweep.Priority, sweep.MaxSlots, sweep.MaxAttempts, sweep.Device),
            (declaration.Name, declaration.Text, declaration.Replicates, declaration.Objective, declaration.Keep, declaration.Priority,
                declaration.MaxSlots, declaration.MaxAttempts, declaration.Device));
        Assert.Equal(sweep.Fixed, declaration.Fixed);
        Assert.Equal(sweep.Factors.Select(factor => factor.Name), declaration.Factors.Select(factor => factor.Name));
    }

    [Fact]
    public void Declare_MoreCellsThanASweepMayHave_FormsNone()
    {
        var rates = string.Join(", ", Enumerable.Range(1, 1_000).Select(rate => $"{rate}e-6"));
        var text = SweepTexts.With($"space: {{ learningRate: [{rates}], momentum: [{rates}] }}\nkeep: none");
        Assert.Null(SweepFile.Parse(text, "test.yaml").Sweep);

        Assert.Equal(Keep.None, SweepFile.Declare(text)!.Keep);
    }

    [Fact]
    public void Declare_BrokenFile_IsNull() => Assert.Null(SweepFile.Declare("name: digits\nspace: ["));

    [Fact]
    public void Parse_Defaults_AreOneCellAndOneReplicate()
    {
        var sweep = SweepTexts.Read("");
        Assert.Single(sweep.Cells);
        Assert.Equal(1, sweep.TrialCount);
        Assert.Empty(sweep.Factors);
        Assert.IsType<SearchMethod.Grid>(sweep.Search);
        Assert.Equal(new Objective(Metric.ValidationAccuracy, Goal.Maximize), sweep.Objective);
    }

    [Theory]
    [InlineData("netwrk: {}", "did you mean 'network'?")]
    [InlineData("device: gpu", "cpu, cuda")]
    [InlineData("training: { learning_rate: 1 }", "did you mean 'learningRate'?")]
    [InlineData("training: { hidden: [3] }", "it belongs under network")]
    [InlineData("batchSize: 3", "it belongs under training")]
    [InlineData("training: { dataset: digits }", "it belongs at the top level")]
    [InlineData("training: { epochs: 1_000 }", "write 1000")]
    [InlineData("training: { epochs: '10' }", "remove the quotes")]
    [InlineData("space: { batchNorm: [yes] }", "write true")]
    [InlineData("space: { activation: [leaky_relu] }", "did you mean 'leaky-relu'?")]
    [InlineData("space: { eluAlpha: { logUniform: [1, 2] } }", "search: { method: random, trials: 50 }")]
    [InlineData("objective: { metric: test.accuracy }", "never steers anything")]
    [InlineData("earlyStopping: halving", "not available in this version")]
    [InlineData("a: !!str b", "tags such as tag:yaml.org,2002:str are not supported")]
    [InlineData("a: *b", "the alias *b names no anchor before it")]
    [InlineData("space: { <<: { activation: [relu] } }", "merge keys are not supported; write the keys out")]
    [InlineData("training: { learningRate: 0 }", "expected a number above 0 and at most 1000000, found '0'")]
    [InlineData("validationFraction: 0.9\ntestFraction: 0.2", "must leave at least 0.05 of the rows")]
    [InlineData("network: { depth: 3 }", "depth needs width beside it")]
    [InlineData("network: { width: 3 }", "width needs depth beside it")]
    [InlineData("network: { activation: relu }", "the layers are missing")]
    [InlineData("network: { hidden: [3], width: 3, depth: 3 }", "write either hidden, or depth and width")]
    [InlineData("space: { activation: [relu, elu] }\nclaims: [{ activation: relu > tanh }]", "tanh is no level of activation; expected some of relu, elu")]
    [InlineData("search: { method: random, trials: 5 }", "random draws need a space to draw from")]
    [InlineData("space: { activation: [relu] }\nsearch: { method: list, configurations: [ { momentum: 0.1 } ] }", "the configurations are the space")]
    [InlineData("space: { learningRate: { uniform: [0.5, 0.1] } }\nsearch: { method: random, trials: 5 }", "expected the lower bound first")]
    [InlineData("space: { momentum: { logUniform: [0, 0.1] } }\nsearch: { method: random, trials: 5 }", "logUniform draws the logarithm")]
    [InlineData("space: { epochs: { uniform: [1, 3] } }\nsearch: { method: random, trials: 5 }", "expected one of values, choice, integer here")]
    [InlineData("space: { momentum: { uniform: [0, 0.5] } }\nsearch: { method: random, trials: 5 }\nclaims: [{ momentum: 0.1 > 0.2 }]", "it is drawn from a range")]
    [InlineData("network: { depth: 3 }\nspace: { width: { when: { activation: relu }, values: [3] } }", "has no default for the other cells")]
    public void Parse_Mistake_NamesTheRemedy(string lines, string expected) =>
        Assert.Contains(SweepTexts.Problems(lines), problem => !problem.IsWarning && problem.Message.Contains(expected, StringComparison.Ordinal));

    [Theory]
    [InlineData("objective: { goal: minimize }", "objective.goal")]
    [InlineData("objective: { metric: train.loss, goal: maximize }", "objective.goal")]
    [InlineData("network: { hidden: [3], leakAlpha: 0.1 }", "network.leakAlpha")]
    [InlineData("space: { activation: [relu, leaky-relu], leakAlpha: [0.1, 0.2] }", "space.leakAlpha")]
    [InlineData("space: { eluAlpha: [1, 2] }", "space.eluAlpha")]
    [InlineData("space: { activation: [relu, elu] }\nsearch: { method: random, trials: 3 }", "search.trials")]
    [InlineData("search: { method: list, configurations: [ { momentum: 0.1 }, { momentum: 0.10 } ] }", "search.configurations[1]")]
    [InlineData("search: { method: list, configurations: [ { activation: relu, eluAlpha: 2 } ] }", "search.configurations[0].eluAlpha")]
    public void Parse_Nonsense_IsAWarningOnly(string lines, string key)
    {
        var reading = SweepFile.Parse(SweepTexts.With(lines), "test.yaml");
        Assert.NotNull(reading.Sweep);
        var problem = Assert.Single(reading.Problems);
        Assert.True(problem.IsWarning);
        Assert.Equal(key, problem.Key);
    }

    [Theory]
    [InlineData("training: { learningRate: 5e-2 }", "0.05")]
    [InlineData("training: { learningRate: .05 }", "0.05")]
    [InlineData("training: { learningRate: 0x10 }", "16")]
    [InlineData("training: { learningRate: +1.0 }", "1")]
    public void Parse_Numbers_FollowTheCoreSchema(string lines, string expected) =>
        Assert.Equal(expected, SweepTexts.Read(lines).Fixed["learningRate"].Json);

    [Fact]
    public void Parse_Alias_StandsForItsAnchor()
    {
        var sweep = SweepTexts.Read("space:\n  activation: &a [relu, elu]\n  eluAlpha: { when: { activation: *a }, values: [1, 2] }");
        Assert.Equal(3, sweep.Cells.Length);
    }

    [Fact]
    public void Parse_Error_StandsAtItsPlace()
    {
        var problem = Assert.Single(SweepFile.Parse("name: a\ndataset: digits\nnetwork: { hidden: [8] }\ntraining:\n  learningRate: -1\n", "a.yaml").Problems);
        Assert.Equal((5, 17, "training.learningRate", false), (problem.Line, problem.Column, problem.Key, problem.IsWarning));
        Assert.Equal("a.yaml:5:17: training.learningRate: expected a number above 0 and at most 1000000, found '-1'", problem.ToString());
    }

    [Fact]
    public void Read_WhatIsNoFile_SaysSo()
    {
        Assert.Contains("no such file", SweepFile.Read(Repository.PathOf("samples/none.yaml")).Problems[0].Message, StringComparison.Ordinal);
        Assert.Contains("no such file", SweepFile.Read(Repository.PathOf("none/none.yaml")).Problems[0].Message, StringComparison.Ordinal);
        Assert.Contains("directory", SweepFile.Read(Repository.PathOf("samples")).Problems[0].Message, StringComparison.Ordinal);
        Assert.Single(SweepFile.Read("").Problems);
        Assert.Single(SweepFile.Read("a\0b").Problems);
    }

    [Fact]
    public void Parse_ByteOrderMarkAndWindowsLineBreaks_AreRead() =>
        Assert.NotNull(SweepFile.Parse('\uFEFF' + BrokenSweepFiles.Base.Replace("\n", "\r\n", StringComparison.Ordinal), "a.yaml").Sweep);

    [Theory]
    [InlineData(100, true)]
    [InlineData(101, false)]
    public void Parse_TrialLimit_IsExact(int replicates, bool fits)
    {
        // 10 x 200 cells: without the condition there would be 10 x 200 x 2.
        var reading = SweepFile.Parse(SweepTexts.With($$"""
            replicates: {{replicates}}
            network: { width: 4 }
            space:
              depth: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
              batchSize: [{{string.Join(", ", Enumerable.Range(1, 200))}}]
              eluAlpha: { when: { activation: relu }, values: [1, 2] }
            """), "test.yaml");
        Assert.Equal(fits, reading.Sweep is not null);
        Assert.Equal(fits, reading.Sweep?.TrialCount == Sweep.TrialLimit);
        if (!fits)
            Assert.Contains("200,000 trials", Assert.Single(reading.Problems).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("space: { batchNorm: [false, true], batchSize: [1, 8] }", 4, 47)]
    [InlineData("space: { batchNorm: [false], batchSize: [1, 8] }", 0, 0)]
    [InlineData("search: { method: list, configurations: [{ batchNorm: true, batchSize: 8 }, { batchSize: 1 }] }", 0, 0)]
    [InlineData("search: { method: list, configurations: [{ batchNorm: true }, { batchNorm: true, batchSize: 1 }] }", 4, 93)]
    public void Parse_BatchNormOverOneRow_IsAnError(string line, int expectedLine, int expectedColumn)
    {
        var reading = SweepFile.Parse($"name: x\ndataset: digits\nnetwork: {{ hidden: [8] }}\n{line}\n", "x.yaml");
        Assert.Equal(expectedLine == 0, reading.Sweep is not null);
        Assert.Equal(
            expectedLine == 0 ? [] : [(expectedLine, expectedColumn, "training.batchSize")],
            reading.Problems.Select(problem => (problem.Line, problem.Column, problem.Key)));
    }

    [Theory]
    [InlineData("initializer: [lecun-normal], activation: [selu, relu]", false)]
    [InlineData("initializer: [lecun-normal], activation: [selu], batchNorm: [false, true]", true)]
    [InlineData("initializer: [he-normal, lecun-normal], activation: [selu]", true)]
    [InlineData("initializer: [he-normal], activation: [elu]", false)]
    public void Parse_SeluOutsideItsConditions_Warns(string space, bool expected) => Assert.Equal(
        expected,
        SweepFile.Parse($"name: x\ndataset: digits\nnetwork: {{ hidden: [8] }}\nspace: {{ {space} }}\n", "x.yaml").Problems
            .Any(problem => problem.IsWarning && problem.Key == "space.activation" && problem.Line == 4
                && problem.Message.Contains("selu", StringComparison.Ordinal)));
}
