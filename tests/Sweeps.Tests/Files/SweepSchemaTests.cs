using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Sweeps.Files.Yaml;
using NJsonSchema;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace DeepTrain.Cluster.Sweeps.Tests;

public partial class SweepSchemaTests
{
    private const int Seed = 7;
    private const int MostNodes = 10_000;

    /// <summary>What no draft of JSON schema can say: it takes several keys, or the text of a claim, to see it.</summary>
    private static readonly string[] OnlyTheParserKnows =
    [
        "it varies here and is fixed as",
        "gives the layers already",
        "needs width beside it",
        "needs depth beside it",
        "needs dataFile beside it",
        "the layers are missing",
        "together must leave",
        "a mini-batch of one row",
        "a range needs random draws",
        "expected the lower bound first",
        "random draws need a space",
        "the configurations are the space",
        "has no default for the other cells",
        "whether it applies depends on itself",
        "is never",
        "is not given in this file",
        "is drawn from a range",
        "does not vary in this sweep",
        "is no level of",
        "is named twice",
        "the name is taken",
        "are more than the 200,000 trials",
        // Text that another reader of YAML lets pass.
        "is indented with a tab",
        "this is not YAML",
        "is not allowed in YAML",
        // The levels of a claim stand in a text.
        "claims[",
        // The validator's $ also matches before a last line break, which this name has; an editor's does not.
        "found 'digits '",
        // JSON does not tell 1e3 from the whole number 1000; YAML does.
        "found '1e3'",
    ];

    [Fact]
    public void Write_CommittedSchema_IsTheGeneratedOne() =>
        Repository.AssertGenerated("samples/sweep.schema.json", SweepSchema.Write());

    [Fact]
    public async Task Write_Samples_PassBoth()
    {
        var schema = await JsonSchema.FromJsonAsync(SweepSchema.Write());
        var samples = Directory.GetFiles(Repository.PathOf("samples"), "*.yaml");
        Assert.True(samples.Length >= 3);
        foreach (var sample in samples)
        {
            var reading = SweepFile.Read(sample);
            Assert.True(reading.Problems.IsEmpty, string.Join("\n", reading.Problems));
            Assert.Empty(schema.Validate(ToJson(File.ReadAllText(sample))!));
        }
    }

    [Fact]
    public async Task Write_BrokenFiles_SchemaRefusesNothingThatTheParserTakesAndMissesOnlyWhatItCannotKnow()
    {
        var schema = await JsonSchema.FromJsonAsync(SweepSchema.Write());
        var (both, parserOnly) = (0, 0);
        var misses = new List<SpecProblem>();
        foreach (var (name, text) in Corpus())
        {
            if (ToJson(text) is not { } json)
                continue;
            var errors = SweepFile.Parse(text, name).Problems.Where(problem => !problem.IsWarning).ToList();
            var refusals = schema.Validate(json);
            Assert.True(refusals.Count == 0 || errors.Count > 0, $"{name}: only the schema refuses: {string.Join(", ", refusals)}\n{text}");
            if (refusals.Count > 0)
                both++;
            else if (errors.Count > 0)
                parserOnly++;
            if (refusals.Count == 0)
                misses.AddRange(errors.Where(error => !OnlyTheParserKnows.Any(rule => error.ToString().Contains(rule, StringComparison.Ordinal))));
        }

        Assert.True(misses.Count == 0, $"The schema misses:\n{string.Join("\n", misses)}");
        Assert.True(both > 100 && parserOnly > 10, $"{both} refused by both, {parserOnly} by the parser alone");
    }

    private static IEnumerable<(string Name, string Text)> Corpus() =>
        BrokenSweepFiles.All(Seed).Where(file => file.Content.Length < 10_000)
            .Select(file => (file.Name, Encoding.UTF8.GetString(file.Content)))
            .Concat(Domains().Select((domain, i) => ($"domain-{i}", $$"""
                name: a
                dataset: digits
                network: { hidden: [8] }
                space: { {{domain}} }
                search: { method: random, trials: 3 }
                """)));

    private static IEnumerable<string> Domains() =>
        from parameter in Parameters.All
        from domain in new[]
        {
            "[1]", "[0.5]", "[0.5, 2]", "[true]", "[relu]", "[[3]]", "{ uniform: [0.1, 0.5] }", "{ logUniform: [0.1, 0.5] }",
            "{ uniform: [0, 1] }", "{ integer: [1, 9] }", "{ integer: [1, 1e3] }", "{ choice: [1, 2] }", "{ uniform: [0.5] }",
            "{ values: [true], when: { activation: relu } }", "{ values: [0.5], when: { activation: [relu] } }", "{ choice: [relu, elu] }",
        }
        select $"{parameter.Name}: {domain}";

    /// <summary>The document as JSON by YAML's core schema; null if it is no YAML, or JSON cannot hold it.</summary>
    private static string? ToJson(string text)
    {
        try
        {
            var yaml = new YamlStream();
            yaml.Load(new StringReader(text));
            return yaml.Documents is [var document] && document.AllNodes.Take(MostNodes).All(node => node.Tag.IsEmpty)
                && document.AllNodes.Take(MostNodes).Count() < MostNodes
                ? ToJson(document.RootNode)?.ToJsonString() ?? "null"
                : null;
        }
        catch (Exception broken) when (broken is YamlException or ArgumentException or FormatException or InvalidOperationException)
        {
            return null;
        }
    }

    private static JsonNode? ToJson(YamlDotNet.RepresentationModel.YamlNode node) => node switch
    {
        YamlMappingNode map => new JsonObject(map.Children.Select(child =>
            KeyValuePair.Create(((child.Key as YamlScalarNode) ?? throw new FormatException()).Value!, ToJson(child.Value)))),
        YamlSequenceNode list => new JsonArray([.. list.Children.Select(ToJson)]),
        YamlScalarNode { Style: ScalarStyle.Plain } plain => PlainToJson(plain.Value!),
        YamlScalarNode scalar => JsonValue.Create(scalar.Value),
        _ => throw new FormatException(),
    };

    private static JsonNode? PlainToJson(string text) => text switch
    {
        "" or "~" or "null" or "Null" or "NULL" => null,
        "true" or "True" or "TRUE" => true,
        "false" or "False" or "FALSE" => false,
        ".inf" or "-.INF" or ".nan" => throw new FormatException(),
        // The validator reckons in longs and decimals; larger numbers are for the parser's own tests.
        _ when Integer().IsMatch(text) => long.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : throw new FormatException(),
        _ when Number().IsMatch(text) => decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? (double)number
            : throw new FormatException(),
        _ => text,
    };

    [GeneratedRegex(@"^[-+]?[0-9]+\z")]
    private static partial Regex Integer();

    [GeneratedRegex(@"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\z")]
    private static partial Regex Number();
}
