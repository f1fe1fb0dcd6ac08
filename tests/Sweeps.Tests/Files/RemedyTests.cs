using System.Text;
using System.Text.RegularExpressions;
using DeepTrain.Cluster.Sweeps.Files;

namespace DeepTrain.Cluster.Sweeps.Tests;

/// <summary>Whoever does what a message advises must not be refused again.</summary>
public partial class RemedyTests
{
    private const int Seed = 20_260_101;
    private const string Mine = "name: mine\ntrainer: { command: [python3, train.py], parameters: { units: 32, rate: 0.5 } }\n";

    /// <summary>A mistake, the remedy that is told, and what a person changes who follows it.</summary>
    private static readonly (string Lines, string Remedy, string Before, string After)[] Remedies =
    [
        // Values
        ("training: { epochs: '5' }", "remove the quotes", "'5'", "5"),
        ("training: { learningRate: '0.1' }", "remove the quotes", "'0.1'", "0.1"),
        ("space: { batchNorm: ['true', false] }", "remove the quotes", "'true'", "true"),
        ("training: { epochs: 1_000 }", "write 1000", "1_000", "1000"),
        ("training: { epochs: '1_000' }", "write 1000", "'1_000'", "1000"),
        ("space: { batchNorm: [yes] }", "write true", "yes", "true"),
        ("space: { batchNorm: [off] }", "write false", "off", "false"),
        ("training: { learningRate: .inf }", "write a finite number", ".inf", "0.5"),
        ("space: { activation: [rellu] }", "did you mean 'relu'?", "rellu", "relu"),
        ("space: { activation: [relu, relu] }", "listed twice, first on line 4; keep one", "relu, relu", "relu"),
        ("space: { activation: [] }", "the list is empty; expected at least one level", "[]", "[relu]"),
        (Mine + "space: { units: [8.5, 9] }", "its default is a whole number: write 32.0 there if any number will do", "32", "32.0"),
        ("name: mine\ntrainer: { command: [train.py, 3] }", "put it in quotes", "3", "'3'"),
        // Keys
        ("trainng: { epochs: 5 }", "did you mean 'training'?", "trainng", "training"),
        ("dataset: digits\nnetwork: { hidden: [8] }", "the key is missing; expected a name such as activations-on-digits", "dataset", "name: activations-on-digits\ndataset"),
        ("name: a\nnetwork: { hidden: [8] }", "the key is missing; expected one of digits, fashion-mnist, mnist, csv, npz", "network", "dataset: digits\nnetwork"),
        ("training: { activation: relu }", "it belongs under network", "training: { activation: relu }", "space: { activation: [relu] }"),
        ("epochs: 5", "it belongs under training", "epochs: 5", "training: { epochs: 5 }"),
        ("training: { split: fixed }", "it belongs at the top level", "training: { split: fixed }", "split: fixed"),
        ("training: { epochs: 5, epochs: 5 }", "the key is given twice, first on line 4; keep one", "epochs: 5, ", ""),
        ("training: { <<: { epochs: 5 } }", "merge keys are not supported; write the keys out", "<<: { epochs: 5 }", "epochs: 5"),
        ("name: a\ndataset: csv\nnetwork: { hidden: [8] }", "needs dataFile beside it; add dataFile: my.", "csv\n", "csv\ndataFile: my.csv\n"),
        (Mine + "dataset: csv\ndataFile: my.csv", "hand the command its file's path as one of its parameters", "rate: 0.5 } }\ndataset: csv\ndataFile: my.csv", "path: my.csv } }"),
        ("name: a\ndataset: digits", "the layers are missing; expected a list of 1 to 1000 sizes from 1 to 65536, such as [64, 32], or depth and width",
            "digits", "digits\nnetwork: { hidden: [64, 32] }"),
        ("name: a\ndataset: digits\nnetwork: { depth: 3 }", "depth needs width beside it", "depth: 3", "depth: 3, width: 8"),
        ("name: a\ndataset: digits\nnetwork: { hidden: [8], depth: 3, width: 8 }", "write either hidden, or depth and width", "hidden: [8], ", ""),
        ("", "the file is empty; expected at least the keys name, dataset and network", "name: test\ndataset: digits\nnetwork: { hidden: [8] }\n\n", ""),
        ("earlyStopping: halving", "'halving' is not available in this version; expected none", "halving", "none"),
        ("training: { batchSize: 1 }\nspace: { batchNorm: [true, false] }", "expected at least 2 where batchNorm is true", "batchSize: 1", "batchSize: 2"),
        ("validationFraction: 0.6\ntestFraction: 0.4", "must leave at least 0.05 of the rows for training", "0.6", "0.5"),
        ("objective: { metric: test.accuracy }", "the test is looked at once, at the end, and never steers anything", "test.accuracy", "validation.accuracy"),
        // Trainers
        ("name: a\ntrainer: command", "write { command: [python3, train.py] }", "command", "{ command: [python3, train.py] }"),
        ("name: a\ntrainer: simulated", "write { simulate: { seconds: 1 } }", "simulated", "{ simulate: { seconds: 1 } }"),
        ("trainer: fusd", "did you mean 'fused'?", "fusd", "fused"),
        ("name: a\ntrainer: { simulate: {}, parameters: { units: 3 } }", "simulate takes no parameters; they are handed to a command", "simulate: {}", "command: [a]"),
        ("name: a\ntrainer: { command: [a], parameters: { learningRate: 1 } }", "which the command is handed too; give that one",
            ", parameters: { learningRate: 1 } }", " }\ntraining: { learningRate: 1 }"),
        ("name: a\ntrainer: { command: [a], parameters: { learningRate: 1 } }", "or choose another name", "learningRate", "rate"),
        ("name: a\ntrainer: { command: [a], parameters: { command: 1 } }", "the name is taken; choose another", "command: 1", "program: 1"),
        ("name: a\ntrainer: { command: [a], parameters: { units: 1, units: 2 } }", "the name is given twice; keep one", "units: 1, ", ""),
        // Space
        ("space: { learningRate: { uniform: [0.1, 1] } }", "list levels instead", "{ uniform: [0.1, 1] }", "[0.1, 1]"),
        ("space: { learningRate: { uniform: [0.1, 1] } }", "or set search: { method: random, trials: 50 }", "space", "search: { method: random, trials: 50 }\nspace"),
        ("space: { activation: { uniform: [0.1, 1] } }", "expected one of values, choice", "uniform: [0.1, 1]", "choice: [relu]"),
        ("space: { learningRate: {} }", "expected one of values, choice, found 0", "{}", "{ values: [0.1] }"),
        ("space: { learningRate: { logUniform: [0.1, 1], uniform: [1, 2] } }\nsearch: { method: random, trials: 5 }",
            "expected one of values, choice, uniform, logUniform, found 2", ", uniform: [1, 2]", ""),
        ("space: { learningRate: { uniform: [1, 0.1] } }\nsearch: { method: random, trials: 5 }", "expected the lower bound first", "1, 0.1", "0.1, 1"),
        ("space: { weightDecay: { logUniform: [0, 1] } }\nsearch: { method: random, trials: 5 }", "logUniform draws the logarithm", "[0, 1]", "[0.001, 1]"),
        ("training: { epochs: 5 }\nspace: { epochs: [5, 6] }", "on line 4; keep one", "training: { epochs: 5 }\n", ""),
        ("space: { depth: { values: [1, 2], when: { activation: relu } }, width: [8] }", "has no default for the other cells; remove when",
            "{ values: [1, 2], when: { activation: relu } }", "[1, 2]"),
        ("space: { leakAlpha: { when: { activation: [elu, leaky-relu] }, values: [0.1] }, activation: [leaky-relu] }", "in this sweep; expected",
            "[elu, leaky-relu] }, values", "leaky-relu }, values"),
        ("space: { trainFraction: { values: [0.5], when: { learningRate: 0.1 } }, learningRate: { uniform: [0.1, 1] } }\nsearch: { method: random, trials: 2 }",
            "is drawn from a range; expected a parameter with listed levels", "uniform", "values"),
        ("space: { epochs: { values: [5], when: { batchSize: 8 } }, batchSize: { values: [8], when: { epochs: 5 } } }", "remove one when",
            "{ values: [5], when: { batchSize: 8 } }", "[20, 5]"),
        ("space: { epochs: { values: [5], when: {} } }", "expected a parameter and its value, such as { activation: elu }; found no key", "{} } }", "{ activation: elu } }, activation: [relu, elu] }"),
        // What a parameter has an effect with, and occurs
        ("space: { momentum: { when: { optimizer: sgd }, values: [0, 0.9] }, beta1: [0.8, 0.9], optimizer: [sgd, adam] }",
            "add when: { optimizer: adam } beside its values", "[0.8, 0.9]", "{ when: { optimizer: adam }, values: [0.8, 0.9] }"),
        ("space: { beta1: [0.8, 0.9], optimizer: [sgd, adam, adamw] }\ntraining: { weightDecay: 0.1 }",
            "add when: { optimizer: [adam, adamw] } beside its values", "[0.8, 0.9]", "{ when: { optimizer: [adam, adamw] }, values: [0.8, 0.9] }"),
        ("space: { batchNormPlacement: [before, after], batchNorm: [true, false] }",
            "add when: { batchNorm: true } beside its values", "[before, after]", "{ when: { batchNorm: true }, values: [before, after] }"),
        ("space: { beta1: { when: { batchNorm: true }, values: [0.8, 0.9] }, batchNorm: [true, false], optimizer: [sgd, adam] }",
            "add optimizer: adam to its when", "batchNorm: true }", "batchNorm: true, optimizer: adam }"),
        ("space: { beta1: [0.8, 0.9], optimizer: { when: { batchNorm: true }, values: [adam] }, batchNorm: [true, false] }",
            "add when: { optimizer: adam } beside its values", "[0.8, 0.9]", "{ when: { optimizer: adam }, values: [0.8, 0.9] }"),
        ("training: { warmupEpochs: 5, epochs: 5 }", "make warmupEpochs smaller than epochs", "warmupEpochs: 5", "warmupEpochs: 4"),
        // Search
        ("search: { method: list, seed: 3, configurations: [{ activation: relu }] }", "it belongs to method random", "seed: 3, ", ""),
        ("search: { method: random, trials: 2, configurations: [] }\nspace: { batchNorm: [true, false] }", "it belongs to method list", ", configurations: []", ""),
        ("search: { method: list, configurations: [{ activation: relu }] }\nspace: { batchNorm: [true] }",
            "the configurations are the space; remove one of the two", "\nspace: { batchNorm: [true] }", ""),
        ("search: { method: list, configurations: [] }", "expected a list of configurations such as [{ activation: relu }, { activation: elu }]",
            "[]", "[{ activation: relu }, { activation: elu }]"),
        ("search: { method: random, trials: 5 }", "random draws need a space to draw from; add space:", "5 }", "5 }\nspace: { learningRate: { uniform: [0.1, 1] } }"),
        ("search: { trials: 5 }", "the key is missing; expected one of grid, list, random", "{ trials: 5 }", "{ method: grid }"),
        ("search: { method: random }\nspace: { learningRate: { uniform: [0.1, 1] } }", "the key is missing; expected a whole number from 1 to 200000", "random }", "random, trials: 5 }"),
        ("search: { method: random, trials: 5 }\nspace: { batchNorm: [true, false] }", "the space is exhausted after 2 distinct cells; these are run", "trials: 5", "trials: 2"),
        ("search: { method: list, configurations: [{ activation: relu }, { activation: relu }] }", "it trains the same as search.configurations[0]; it is run once", ", { activation: relu }", ""),
        ("replicates: 200000\nspace: { batchNorm: [true, false] }", "remove levels or replicates", "200000", "2"),
        ("replicates: 200000\nsearch: { method: random, trials: 5 }\nspace: { learningRate: { uniform: [0.1, 1] } }", "ask for fewer trials or replicates", "200000", "2"),
        ("replicates: 200000\nsearch: { method: list, configurations: [{ activation: relu }, { activation: elu }] }", "remove configurations or replicates", "200000", "2"),
        // Claims
        ("space: { activation: [relu, elu] }\nclaims: []", "without claims, remove the key", "\nclaims: []", ""),
        ("space: { activation: [relu, elu] }\nclaims: [{ activation: relu > relu }]", "is named twice; keep one", "relu > relu", "relu > elu"),
        ("space: { activation: [relu, elu] }\nclaims: [{ activation: relu > tanh }]", "is no level of activation; expected some of", "tanh", "elu"),
        ("space: { activation: [relu, leaky-relu], leakAlpha: { when: { activation: leaky-relu }, values: [0.01, 0.2] } }\nclaims: [{ leakAlpha: 0.2 > 0.5 }]", "is no level of leakAlpha; expected some of", "> 0.5", "> 0.01"),
        ("space: { activation: [relu, elu] }\nclaims: [{ batchNorm: true > false }]", "does not vary in this sweep; expected", "batchNorm: true > false", "activation: relu > elu"),
        ("space: { activation: [relu, elu], batchNorm: [true, false] }\nclaims: [{ activation: relu > elu, batchNorm: true > false }]",
            "expected one factor a claim, each after a hyphen of its own", "elu, batchNorm", "elu }, { batchNorm"),
        // Text
        ("training:\n\tepochs: 5", "the line is indented with a tab; YAML indents with spaces", "\t", "  "),
        ("space:\n  activation: [relu\nname: b", "is a bracket, brace or quote not closed?", "[relu\nname: b", "[relu, elu]"),
        ("training: { epochs: !!int 5 }", "are not supported; remove it", "!!int ", ""),
        ("---\nname: b", "a second document starts here; expected one sweep a file", "---\nname: b", ""),
    ];

    public static TheoryData<int> Numbers => [.. Enumerable.Range(0, Remedies.Length)];

    [Theory]
    [MemberData(nameof(Numbers))]
    public void Parse_AfterTheRemedyThatIsTold_HasNoProblem(int number)
    {
        var (lines, remedy, before, after) = Remedies[number];
        // The empty file is the only one that has nothing to begin with.
        var (broken, mended) = lines.Length == 0 ? ("", before) : (TextOf(lines), TextOf(lines).Replace(before, after, StringComparison.Ordinal));
        Assert.NotEqual(broken, mended);

        Assert.Contains(SweepFile.Parse(broken, "a.yaml").Problems, problem => problem.Message.Contains(remedy, StringComparison.Ordinal));
        Assert.True(SweepFile.Parse(mended, "a.yaml").Problems.IsEmpty, $"{mended}\n{string.Join('\n', SweepFile.Parse(mended, "a.yaml").Problems)}");
    }

    /// <summary>All that the broken files are told, so that a new message with a remedy needs its line above.</summary>
    [Fact]
    public void Remedies_OfAllBrokenFiles_AreTried()
    {
        var messages = BrokenSweepFiles.All(Seed).Select(file => Encoding.UTF8.GetString(file.Content))
            .Concat(BrokenSweepFiles.AllPlanted(Seed).Select(planted => planted.Content))
            .SelectMany(text => SweepFile.Parse(text, "a.yaml").Problems)
            .Where(problem => problem.Message.Contains(';', StringComparison.Ordinal) && !problem.Message.Contains("unknown key; expected one of", StringComparison.Ordinal))
            .Select(problem => Bare(problem.Message)).Distinct().ToList();
        var tried = Remedies.Select(remedy => Bare(remedy.Remedy)).Concat(NoRemedies).ToList();

        Assert.InRange(messages.Count, 20, int.MaxValue);
        var untried = messages.Where(message => !tried.Exists(remedy => message.Contains(remedy, StringComparison.Ordinal)));
        Assert.Equal("", string.Join('\n', untried));
    }

    /// <summary>What stands after a semicolon and says no more than what a sweep file is.</summary>
    private static readonly string[] NoRemedies =
        ["a sweep file is a page of text", "is this a text file?", "save the file as UTF-8", "it is drawn from a range", "to say so, add "];

    [Theory]
    [InlineData("training: { epochs: 9_999_999 }")]
    [InlineData("training: { epochs: '9999999' }")]
    [InlineData("training: { epochs: '0.5' }")]
    [InlineData("training: { learningRate: '-1' }")]
    public void Parse_NumberThatWouldBeRefusedInAnotherSpellingToo_IsNotAdvised(string lines) =>
        Assert.DoesNotContain(';', Assert.Single(SweepTexts.Problems(lines)).Message);

    /// <summary>A message without the names and numbers of one file.</summary>
    private static string Bare(string message) => Particular().Replace(message, "X");

    private static string TextOf(string lines) => lines.StartsWith("name:", StringComparison.Ordinal) || lines.StartsWith("dataset:", StringComparison.Ordinal) ? lines : SweepTexts.With(lines);

    [GeneratedRegex(@"'[^']*'|\d[\d,.]*|\[[^\]]*\]", RegexOptions.CultureInvariant)]
    private static partial Regex Particular();
}
