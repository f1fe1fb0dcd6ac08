using System.Collections.Immutable;
using System.Text;

namespace DeepTrain.Cluster.Sweeps.Tests;

/// <summary>Sweep files that are wrong in every way we could think of. Needs nothing but the base library, so that other tests can link it.</summary>
internal static class BrokenSweepFiles
{
    /// <summary>A valid file, the quickstart without its comments; the broken ones are made from it, line by line.</summary>
    public const string Base = """
        name: activations-on-digits
        dataset: digits
        network:
          hidden: [64, 32]
        training:
          epochs: 20
          batchSize: 32
          optimizer: sgd
          learningRate: 0.05
          momentum: 0.9
        space:
          initializer: [xavier-uniform, xavier-normal, he-uniform, he-normal, lecun-normal]
          activation: [logistic, tanh, relu, leaky-relu, elu]
          leakAlpha: { when: { activation: leaky-relu }, values: [0.01, 0.2] }
          batchNorm: [false, true]
        search: { method: grid }
        replicates: 6
        objective: { metric: validation.accuracy, goal: maximize }
        earlyStopping: none
        claims:
          - activation: elu > leaky-relu > relu > tanh > logistic
          - leakAlpha: 0.2 > 0.01

        """;

    /// <summary>Lines to put in the place of a line of the base, and the key under which the last of them is wrong.</summary>
    private static readonly ImmutableArray<(string Line, string Replacement, string Key)> Faults =
    [
        ("name:", "name: Activations On Digits", "name"),
        ("name:", "name: -digits", "name"),
        ("name:", "name: ''", "name"),
        ("name:", "name: \"digits\\n\"", "name"),
        ("name:", "name: [a, b]", "name"),
        ("name:", "name: ../digits", "name"),
        ("name:", $"name: {new string('a', 64)}", "name"),
        ("dataset:", "dataset: digit", "dataset"),
        ("dataset:", "dataset: 7", "dataset"),
        ("dataset:", "dataset: { digits: true }", "dataset"),
        ("dataset:", "dataset: digits\nsplit: random", "split"),
        ("dataset:", "dataset: digits\nvalidationFraction: 0", "validationFraction"),
        ("dataset:", "dataset: digits\nvalidationFraction: 1.5", "validationFraction"),
        ("dataset:", "dataset: digits\ntestFraction: -0.1", "testFraction"),
        ("dataset:", "dataset: digits\ntrainer: command", "trainer"),
        ("dataset:", "dataset: digits\ntrainer: [fused]", "trainer"),
        ("dataset:", "dataset: digits\ntrainer: {}", "trainer"),
        ("dataset:", "dataset: digits\ntrainer: { comand: [python] }", "trainer.comand"),
        ("dataset:", "dataset: digits\ntrainer: { command: [python], simulate: {} }", "trainer"),
        ("dataset:", "dataset: digits\ntrainer: { command: python train.py }", "trainer.command"),
        ("dataset:", "dataset: digits\ntrainer: { command: [] }", "trainer.command"),
        ("dataset:", "dataset: digits\ntrainer: { command: [train.py, 3] }", "trainer.command[1]"),
        ("dataset:", "dataset: digits\ntrainer: { command: [train.py], parameters: [units] }", "trainer.parameters"),
        ("dataset:", "dataset: digits\ntrainer: { command: [train.py], parameters: { hidden-units: 3 } }", "trainer.parameters"),
        ("dataset:", "dataset: digits\ntrainer: { command: [train.py], parameters: { activation: relu } }", "trainer.parameters.activation"),
        ("dataset:", "dataset: digits\ntrainer: { command: [train.py], parameters: { dataContent: a } }", "trainer.parameters.dataContent"),
        ("dataset:", "dataset: digits\ntrainer: { command: [train.py], parameters: { units: 1, units: 2 } }", "trainer.parameters.units"),
        ("dataset:", "dataset: digits\ntrainer: { command: [train.py], parameters: { units: } }", "trainer.parameters.units"),
        ("dataset:", "dataset: digits\ntrainer: { command: [train.py], parameters: { units: [3] } }", "trainer.parameters.units"),
        ("dataset:", "dataset: digits\ntrainer: { command: [train.py], parameters: { rate: .nan } }", "trainer.parameters.rate"),
        ("dataset:", "dataset: digits\ntrainer: { simulate: { seconds: -1 } }", "trainer.simulate.seconds"),
        ("dataset:", "dataset: digits\ntrainer: { simulate: { accuracy: 2 } }", "trainer.simulate.accuracy"),
        ("dataset:", "dataset: digits\ntrainer: { simulate: { cohort: 0 } }", "trainer.simulate.cohort"),
        ("dataset:", "dataset: digits\ntrainer: { simulate: {}, parameters: { units: 3 } }", "trainer.parameters"),
        ("  initializer:", "  initializer: [he-normal]\n  units: [3]", "space.units"),
        ("search:", "search: { method: grid }\ntrainer: { command: [train.py], parameters: { units: 3 } }\ntrainr: 1", "trainr"),
        ("dataset:", "dataset: digits\ndataset: digits", "dataset"),
        ("dataset:", "dataset: digits\nlearningRate: 0.1", "learningRate"),
        ("  hidden:", "  hidden: []", "network.hidden"),
        ("  hidden:", "  hidden: [64, -32]", "network.hidden[1]"),
        ("  hidden:", "  hidden: [0]", "network.hidden[0]"),
        ("  hidden:", "  hidden: [64.5]", "network.hidden[0]"),
        ("  hidden:", "  hidden: [1000000]", "network.hidden[0]"),
        ("  hidden:", "  hidden: 64", "network.hidden"),
        ("  hidden:", "  hidden: { a: 1 }", "network.hidden"),
        ("  hidden:", "  hiden: [64, 32]", "network.hiden"),
        ("  hidden:", "  hidden: [64, 32]\n  eluAlpha: .nan", "network.eluAlpha"),
        ("  hidden:", "  hidden: [64, 32]\n  eluAlpha: 1e400", "network.eluAlpha"),
        ("  hidden:", "  hidden: [64, 32]\n  dropping: 0.5", "network.dropping"),
        ("  hidden:", "  hidden: [64, 32]\n  <<: { eluAlpha: 1 }", "network.<<"),
        ("  hidden:", "  hidden: [64, 32]\n  epochs: 3", "network.epochs"),
        ("  epochs:", "  epochs: 0", "training.epochs"),
        ("  epochs:", "  epochs: -20", "training.epochs"),
        ("  epochs:", "  epochs: 20.5", "training.epochs"),
        ("  epochs:", "  epochs: '20'", "training.epochs"),
        ("  epochs:", "  epochs: 1_000", "training.epochs"),
        ("  epochs:", "  epochs: twenty", "training.epochs"),
        ("  epochs:", "  epochs: [20]", "training.epochs"),
        ("  epochs:", "  epochs: true", "training.epochs"),
        ("  epochs:", "  epochs: ~", "training.epochs"),
        ("  epochs:", "  epochs: 99999999999999999999999999", "training.epochs"),
        ("  epochs:", "  epochs: 0xffffffffffffffffff", "training.epochs"),
        ("  epochs:", "  epochs: 20\n  epochs: 30", "training.epochs"),
        ("  epochs:", "  epoch: 20", "training.epoch"),
        ("  batchSize:", "  batchSize: -32", "training.batchSize"),
        ("  batchSize:", "  batchSize: .inf", "training.batchSize"),
        ("  batchSize:", "  batch_size: 32", "training.batch_size"),
        ("  batchSize:", "  batchSize: 2147483648", "training.batchSize"),
        ("  optimizer:", "  optimizer: sdg", "training.optimizer"),
        ("  optimizer:", "  optimizer: [sgd]", "training.optimizer"),
        ("  learningRate:", "  learningRate: 0", "training.learningRate"),
        ("  learningRate:", "  learningRate: -0.05", "training.learningRate"),
        ("  learningRate:", "  learningRate: .nan", "training.learningRate"),
        ("  learningRate:", "  learningRate: -.INF", "training.learningRate"),
        ("  learningRate:", "  learningRate: 1e999", "training.learningRate"),
        ("  learningRate:", "  learningRate: 1e-999", "training.learningRate"),
        ("  learningRate:", "  learningRate: 0,05", "training.learningRate"),
        ("  learningRate:", "  learningRate: \"0.05\"", "training.learningRate"),
        ("  learningRate:", "  learningrate: 0.05", "training.learningrate"),
        ("  learningRate:", $"  learningRate: {new string('9', 5000)}", "training.learningRate"),
        ("  momentum:", "  momentum: 1", "training.momentum"),
        ("  momentum:", "  momentum: yes", "training.momentum"),
        ("  momentum:", "  momentum: 0.9\n  activation: relu", "training.activation"),
        ("  initializer:", "  initializer: []", "space.initializer"),
        ("  initializer:", "  initializer: he-normal", "space.initializer"),
        ("  initializer:", "  initializer: [he-normal, he_normal]", "space.initializer[1]"),
        ("  initializer:", "  initializer: [he-normal, he-normal]", "space.initializer[1]"),
        ("  initializer:", "  initializer: [he-normal, [he-normal]]", "space.initializer[1]"),
        ("  initializer:", "  initializer: [xavier-uniform]\n  initialiser: [he-normal]", "space.initialiser"),
        ("  initializer:", "  initializer: [he-normal]\n  dataset: [digits]", "space.dataset"),
        ("  initializer:", "  initializer: [he-normal]\n  eluAlpha: { values: [1], choice: [2] }", "space.eluAlpha"),
        ("  initializer:", "  initializer: [he-normal]\n  eluAlpha: {}", "space.eluAlpha"),
        ("  initializer:", "  initializer: [he-normal]\n  eluAlpha: { when: {}, values: [1] }", "space.eluAlpha.when"),
        ("  initializer:", "  initializer: [he-normal]\n  eluAlpha: { when: { eluAlpha: 1 }, values: [1] }", "space.eluAlpha"),
        ("  leakAlpha:", "  leakAlpha: { when: { activation: leaky }, values: [0.01, 0.2] }", "space.leakAlpha.when.activation"),
        ("  leakAlpha:", "  leakAlpha: { when: { activation: leaky-relu }, values: [0.01, 0.010] }", "space.leakAlpha.values[1]"),
        ("  leakAlpha:", "  leakAlpha: { when: { activation: leaky-relu }, values: [] }", "space.leakAlpha.values"),
        ("  leakAlpha:", "  leakAlpha: { when: leaky-relu, values: [0.01, 0.2] }", "space.leakAlpha.when"),
        ("  leakAlpha:", "  leakAlpha: { where: { activation: leaky-relu }, values: [0.01, 0.2] }", "space.leakAlpha.where"),
        ("  leakAlpha:", "  leakAlpha: [0.01, .nan]", "space.leakAlpha[1]"),
        ("  batchNorm:", "  batchNorm: [no, true]", "space.batchNorm[0]"),
        ("  batchNorm:", "  batchNorm: [false, false]", "space.batchNorm[1]"),
        ("  batchNorm:", "  batchNorm: ['true']", "space.batchNorm[0]"),
        ("  batchNorm:", "  batchNorm: true", "space.batchNorm"),
        ("search:", "search: grid", "search"),
        ("search:", "search: { metod: grid }", "search.metod"),
        ("search:", "search: { method: gird }", "search.method"),
        ("search:", "search: { method: random }", "search.trials"),
        ("search:", "search: { method: random, trials: 0 }", "search.trials"),
        ("search:", "search: { method: random, trials: 10, seed: -1 }", "search.seed"),
        ("search:", "search: { method: grid, trials: 10 }", "search.trials"),
        ("search:", "search: { method: list }", "search.configurations"),
        ("search:", "search: { method: list, configurations: [] }", "search.configurations"),
        ("search:", "search: { method: list, configurations: [ { activation: rellu } ] }", "search.configurations[0].activation"),
        ("replicates:", "replicates: 0", "replicates"),
        ("replicates:", "replicates: six", "replicates"),
        ("replicates:", "replicates: 1e9", "replicates"),
        ("replicates:", "replicates: 200001", "replicates"),
        ("replicates:", "replicate: 6", "replicate"),
        ("objective:", "objective: { metric: test.accuracy }", "objective.metric"),
        ("objective:", "objective: { metric: validation.acuracy }", "objective.metric"),
        ("objective:", "objective: { goal: max }", "objective.goal"),
        ("objective:", "objective: validation.accuracy", "objective"),
        ("earlyStopping:", "earlyStopping: halving", "earlyStopping"),
        ("earlyStopping:", "earlyStopping: nope", "earlyStopping"),
        ("  - activation:", "  - activation: elu", "claims[0].activation"),
        ("  - activation:", "  - activation: elu > elu", "claims[0].activation"),
        ("  - activation:", "  - activation: elu > ", "claims[0].activation"),
        ("  - activation:", "  - activation: [elu, relu]", "claims[0].activation"),
        ("  - activation:", "  - elu > relu", "claims[0]"),
        ("  - activation:", "  - activation: elu > selu", "claims[0].activation"),
        ("  - leakAlpha:", "  - leakalpha: 0.2 > 0.01", "claims[1].leakalpha"),
    ];

    /// <summary>What is wrong only beside the other lines of the base.</summary>
    private static readonly ImmutableArray<(string Line, string Replacement, string Key)> FaultsInContext =
    [
        ("  hidden:", "  hidden: [64, 32]\n  depth: 3", "network.depth"),
        ("  hidden:", "  depth: 3", "network.depth"),
        ("  batchSize:", "  batchSize: 1", "training.batchSize"),
        ("  initializer:", "  initializer: [he-normal]\n  eluAlpha: { uniform: [1, 2] }", "space.eluAlpha.uniform"),
        ("  initializer:", "  initializer: [he-normal]\n  eluAlpha: { when: { activation: prelu }, values: [1] }", "space.eluAlpha.when.activation"),
        ("  initializer:", "  initializer: [he-normal]\n  eluAlpha: { when: { depth: 3 }, values: [1] }", "space.eluAlpha.when.depth"),
        ("  initializer:", "  initializer: [he-normal]\n  eluAlpha: { when: { momentum: 0.5 }, values: [1] }", "space.eluAlpha.when.momentum"),
        ("  initializer:", "  initializer: [he-normal]\n  hidden: [[64]]", "space.hidden"),
        ("  initializer:", "  initializer: [he-normal]\n  learningRate: [0.1]", "space.learningRate"),
        ("search:", "search: { method: list, configurations: [ { momentum: 0.5 } ] }", "search.configurations[0].momentum"),
        ("  - leakAlpha:", "  - leakAlpha: 0.2 > 0.5", "claims[1].leakAlpha"),
        ("  - leakAlpha:", "  - momentum: 0.9 > 0.5", "claims[1].momentum"),
    ];

    /// <summary>A file with errors at known places, counted from 1.</summary>
    public sealed record Planted(string Name, string Content, ImmutableArray<(int Line, string Key)> Errors);

    /// <summary>Each fault alone, then random selections of several, never two in one line.</summary>
    public static IEnumerable<Planted> AllPlanted(int seed)
    {
        foreach (var (i, fault) in Faults.Concat(FaultsInContext).Index())
            yield return Plant($"fault-{i}", [fault]);
        var random = new Random(seed);
        for (var i = 0; i < 60; i++)
        {
            var byLine = Faults.GroupBy(fault => fault.Line).Select(group => group.ElementAt(random.Next(group.Count()))).ToArray();
            random.Shuffle(byLine);
            yield return Plant($"faults-{i}", byLine[..random.Next(2, byLine.Length + 1)]);
        }
    }

    public static IEnumerable<(string Name, byte[] Content)> All(int seed)
    {
        foreach (var planted in AllPlanted(seed))
            yield return (planted.Name, Encoding.UTF8.GetBytes(planted.Content));
        foreach (var (name, content) in Texts().Concat(Mutations(new Random(seed))))
            yield return (name, Encoding.UTF8.GetBytes(content));
        foreach (var binary in Binaries(new Random(seed)))
            yield return binary;
    }

    private static Planted Plant(string name, IReadOnlyCollection<(string Line, string Replacement, string Key)> faults)
    {
        var lines = new List<string>();
        var errors = ImmutableArray.CreateBuilder<(int, string)>();
        foreach (var line in Base.Split('\n'))
        {
            var fault = faults.FirstOrDefault(fault => line.StartsWith(fault.Line, StringComparison.Ordinal));
            lines.AddRange((fault.Replacement ?? line).Split('\n'));
            if (fault.Key is not null)
                errors.Add((lines.Count, fault.Key));
        }

        return new(name, string.Join('\n', lines), errors.ToImmutable());
    }

    private static IEnumerable<(string Name, string Content)> Texts() =>
    [
        ("empty", ""),
        ("blank", "\n\n  \n"),
        ("comment", "# nothing here\n"),
        ("scalar", "digits\n"),
        ("list", "- name: a\n- dataset: digits\n"),
        ("nothing", "~\n"),
        ("two-documents", $"{Base}---\n{Base}"),
        ("twice", Base + Base),
        ("windows", Base.Replace("epochs: 20", "epochs: -20", StringComparison.Ordinal).Replace("\n", "\r\n", StringComparison.Ordinal)),
        ("tabs", Base.Replace("  ", "\t", StringComparison.Ordinal)),
        ("tab", Base.Replace("  epochs", " \tepochs", StringComparison.Ordinal)),
        ("tag", Base.Replace("epochs: 20", "epochs: !!int 20", StringComparison.Ordinal)),
        ("local-tag", Base.Replace("hidden: [", "hidden: !sizes [", StringComparison.Ordinal)),
        ("unknown-alias", Base.Replace("epochs: 20", "epochs: *twenty", StringComparison.Ordinal)),
        ("self-alias", Base.Replace("hidden: [64, 32]", "hidden: &h [64, *h]", StringComparison.Ordinal)),
        ("complex-key", Base + "? [a, b]\n: c\n"),
        ("null-character", Base.Replace("epochs", "epo\0chs", StringComparison.Ordinal)),
        ("escape-character", Base.Replace("epochs", "\u001b[31mepochs", StringComparison.Ordinal)),
        ("held-out", Base + "validationFraction: 0.6\ntestFraction: 0.5\n"),
        ("no-training", Base.Replace("training:", "trainings:", StringComparison.Ordinal)),
        ("empty-sections", "name: a\ndataset: digits\nnetwork:\ntraining:\nspace:\nclaims:\n"),
        ("too-many-trials", Base.Replace("replicates: 6", "replicates: 200000", StringComparison.Ordinal)),
        ("huge-grid", Base.Replace("space:", $"space:\n  eluAlpha: [{Numbers(400)}]\n  width: [{Numbers(400)}]\n  depth: [{Numbers(400)}]", StringComparison.Ordinal)
            .Replace("  hidden: [64, 32]", "  preluAlpha: 0.1", StringComparison.Ordinal)),
        ("cycle", Base.Replace("batchNorm: [false, true]", "batchNorm: { when: { leakAlpha: 0.01 }, values: [true] }", StringComparison.Ordinal)
            .Replace("when: { activation: leaky-relu }", "when: { batchNorm: true }", StringComparison.Ordinal)),
        ("bomb", Bomb(9, "name: *l9")),
        ("bomb-in-space", Bomb(12, "space: { activation: *l12 }")),
        ("bomb-of-mappings", "a: &a { x: 1, y: 2 }\n" + string.Concat(Enumerable.Range(0, 20).Select(i => $"b{i}: &{(char)('b' + i)} {{ x: *{(char)('a' + i)}, y: *{(char)('a' + i)} }}\n"))),
        ("deep-list", new string('[', 100_000)),
        ("deep-mapping", string.Concat(Enumerable.Range(0, 500).Select(i => new string(' ', i) + "a:\n"))),
        ("deep-flow", string.Concat(Enumerable.Repeat("{a: ", 10_000))),
        ("too-large", Base + "# " + new string('x', 1 << 20)),
        ("many-values", $"name: [{string.Join(',', Enumerable.Repeat("1", 300_000))}]"),
        ("many-unknown-keys", string.Concat(Enumerable.Range(0, 20_000).Select(i => $"key{i}: 1\n"))),
        ("long-key", new string('k', 100_000) + ": 1\n"),
        ("long-value", Base.Replace("name: ", $"name: {new string('v', 100_000)}", StringComparison.Ordinal)),
        ("hostile-key", Base + "\"a\\nb\\e[0m\": 1\n"),
    ];

    private static string Numbers(int count) => string.Join(", ", Enumerable.Range(1, count).Select(i => i / 10 * 10 == i ? i + 1000 : i));

    /// <summary>Level n names level n - 1 ten times.</summary>
    private static string Bomb(int levels, string use) =>
        "l0: &l0 [boom]\n" + string.Concat(Enumerable.Range(1, levels).Select(i =>
            $"l{i}: &l{i} [{string.Join(", ", Enumerable.Repeat($"*l{i - 1}", 10))}]\n")) + use + "\n";

    /// <summary>The base cut off inside a bracket or before its layers, and with a character where none can stand.</summary>
    private static IEnumerable<(string Name, string Content)> Mutations(Random random)
    {
        var insideBrackets = Enumerable.Range(1, Base.Length).Where(end =>
            Base[..end].Count(character => character is '[' or '{') > Base[..end].Count(character => character is ']' or '}')).ToArray();
        for (var i = 0; i < 20; i++)
            yield return ($"cut-in-bracket-{i}", Base[..insideBrackets[random.Next(insideBrackets.Length)]]);
        var layers = Base.IndexOf("hidden", StringComparison.Ordinal);
        for (var i = 0; i < 10; i++)
            yield return ($"cut-early-{i}", Base[..random.Next(1, layers)]);
        var values = Enumerable.Range(0, Base.Length).Where(i => Base[i] == ':').ToArray();
        for (var i = 0; i < 30; i++)
        {
            var bad = new[] { " [", " {", " \"", " '", " ]", " }", " %", " @", " `", " *", " &", " !" };
            yield return ($"stray-{i}", Base.Insert(values[random.Next(values.Length)] + 1, bad[random.Next(bad.Length)]));
        }
    }

    private static IEnumerable<(string Name, byte[] Content)> Binaries(Random random)
    {
        yield return ("utf-16", Encoding.Unicode.GetPreamble().Concat(Encoding.Unicode.GetBytes(Base)).ToArray());
        yield return ("latin-1", Encoding.Latin1.GetBytes("# caf\u00e9\n" + Base));
        yield return ("png", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d]);
        yield return ("gzip", [0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0]);
        yield return ("cut-in-character", [.. Encoding.UTF8.GetBytes(Base), 0xe2, 0x82]);
        for (var i = 0; i < 15; i++)
        {
            var bytes = new byte[random.Next(1, 4096)];
            random.NextBytes(bytes);
            yield return ($"bytes-{i}", [0xff, .. bytes]);
        }
    }
}
