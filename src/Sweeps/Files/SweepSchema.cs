using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using DeepTrain.Cluster.Sweeps.Configurations;

namespace DeepTrain.Cluster.Sweeps.Files;

/// <summary>The JSON schema (draft 7) with which editors check and complete sweep files, generated from the parser's tables.</summary>
/// <remarks>It accepts every file that the parser accepts. Only the parser detects conflicts between several keys.</remarks>
public static class SweepSchema
{
    private static readonly JsonSerializerOptions Layout = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private const string NamesInSpace = "namesInSpace";
    private const string NamesInWhen = "namesInWhen";

    public static string Write()
    {
        var schema = Object(SweepKeys.TopLevel.Select(key => (key.Name, TopLevel(key.Name, key.Description))),
            ["name"]);
        schema.Insert(0, "$schema", "http://json-schema.org/draft-07/schema#");
        schema.Insert(1, "title", "DeepTrain.Cluster sweep");
        var declares = Requires(Parameters.Trainer.Name, new() { ["type"] = "object", ["required"] = Array([TrainerReader.ParametersKey]) });
        var brings = Requires(Parameters.Trainer.Name, new() { ["type"] = "object" });
        schema["allOf"] = Array(
        [
            new JsonObject
            {
                ["anyOf"] = Array([brings, new JsonObject
                {
                    ["required"] = Array(Parameters.Written
                        .Where(parameter => parameter is { Section: Section.Sweep, Default: null, AppliesWhen: null })
                        .Select(parameter => JsonValue.Create(parameter.Name))),
                }]),
            },
            new JsonObject { ["anyOf"] = Array([declares, OnlyNamesOfTheTable()]) },
        ]);
        schema["definitions"] = new JsonObject(
        [
            .. Parameters.Written.Select(parameter => KeyValuePair.Create(parameter.Name, (JsonNode?)Define(parameter))),
            KeyValuePair.Create(SweepKeys.When, (JsonNode?)When()),
            KeyValuePair.Create(NamesInSpace, (JsonNode?)Object(Varying.Select(parameter =>
                (parameter.Name, new JsonObject { ["properties"] = new JsonObject { [SweepKeys.When] = Refer(NamesInWhen) } })))),
            KeyValuePair.Create(NamesInWhen, (JsonNode?)Object(Parameters.Written.Select(parameter => (parameter.Name, new JsonObject())))),
        ]);
        return schema.ToJsonString(Layout) + "\n";
    }

    private static JsonObject TopLevel(string key, string description) => key switch
    {
        "trainer" => Describe(Trainer(), description),
        "name" => Describe(new() { ["type"] = "string", ["pattern"] = SweepKeys.NamePattern }, description),
        "network" or "training" => Describe(Object(Parameters.Written.Where(parameter => parameter.SectionKey == key).Select(Reference)), description),
        "space" => Describe(Object(Varying.Select(parameter => (parameter.Name, Describe(FactorOf(parameter), parameter.Description))),
            free: new() { ["type"] = Array(["array", "object"]) }), description),
        "search" => Describe(new() { ["oneOf"] = Array(SweepKeys.Method.Choices.Select(SearchBy)) }, description),
        "dataFile" => Define(SweepKeys.DataFile),
        "replicates" => Define(SweepKeys.Replicates),
        "objective" => Describe(
            Object([(SweepKeys.Metric.Name, Define(SweepKeys.Metric)), (SweepKeys.Goal.Name, Define(SweepKeys.Goal))]), description),
        "earlyStopping" => Define(SweepKeys.EarlyStopping),
        "keep" => Define(SweepKeys.Keep),
        "priority" => Define(SweepKeys.Priority),
        "maxSlots" => Define(SweepKeys.MaxSlots),
        "maxAttempts" => Define(SweepKeys.MaxAttempts),
        "device" => Define(SweepKeys.Device),
        "claims" => Describe(List(Claim()), description),
        _ => Refer(key),
    };

    private static JsonObject Trainer() => new()
    {
        ["anyOf"] = Array(
        [
            new JsonObject { ["enum"] = Array([Parameters.Fused]) },
            Object([(Parameters.Simulate, Object(TrainerReader.SimulateKeys.Select(key => (key.Key, Define(key.Parameter)))))], [Parameters.Simulate]),
            Object(
                [
                    (Parameters.Command, Define(Parameters.CommandLine)),
                    (TrainerReader.ParametersKey, new()
                    {
                        ["description"] = "What the command is handed besides, a default each; space may vary them.",
                        ["type"] = "object",
                        ["maxProperties"] = TrainerReader.MostParameters,
                        ["additionalProperties"] = false,
                        ["patternProperties"] = new JsonObject { [TrainerReader.NamePattern] = FreeValue() },
                    }),
                ],
                [Parameters.Command]),
        ]),
    };

    private static JsonObject FreeValue() =>
        new() { ["type"] = Array(["number", "boolean", "string"]), ["minLength"] = 1, ["maxLength"] = Parameters.LongestText };

    /// <summary>Allows only the parameters of the table, for files that declare none of their own.</summary>
    private static JsonObject OnlyNamesOfTheTable() => new()
    {
        ["properties"] = new JsonObject
        {
            ["space"] = Refer(NamesInSpace),
            ["search"] = new JsonObject
            {
                ["properties"] = new JsonObject { [SweepKeys.Configurations] = new JsonObject { ["items"] = Refer(NamesInSpace) } },
            },
            ["claims"] = new JsonObject { ["items"] = Refer(NamesInSpace) },
        },
    };

    private static JsonObject Requires(string key, JsonObject schema) => new()
    {
        ["required"] = Array([key]),
        ["properties"] = new JsonObject { [key] = schema },
    };

    private static IEnumerable<Parameter> Varying => SweepKeys.Varying.Select(name => Parameters.ByName[name]);

    private static (string, JsonObject) Reference(Parameter parameter) => (parameter.Name, Refer(parameter.Name));

    private static JsonObject Refer(string definition) => new() { ["$ref"] = $"#/definitions/{definition}" };

    private static JsonObject Define(Parameter parameter)
    {
        var schema = Describe(ValueOf(parameter), parameter.Description);
        if (parameter.Default is { } value)
            schema["default"] = JsonNode.Parse(value.Json);
        return schema;
    }

    private static JsonObject ValueOf(Parameter parameter) => parameter switch
    {
        NumberParameter number => new()
        {
            ["type"] = "number",
            [number.MinimumExcluded ? "exclusiveMinimum" : "minimum"] = number.Minimum,
            [number.MaximumExcluded ? "exclusiveMaximum" : "maximum"] = number.Maximum,
        },
        IntegerParameter integer => new() { ["type"] = "integer", ["minimum"] = integer.Minimum, ["maximum"] = integer.Maximum },
        TextParameter text => new() { ["type"] = "string", ["minLength"] = 1, ["maxLength"] = text.MaximumLength },
        FlagParameter => new() { ["type"] = "boolean" },
        ChoiceParameter choice => new() { ["enum"] = Array(choice.Choices.Select(name => JsonValue.Create(name))) },
        TextsParameter texts => new()
        {
            ["type"] = "array",
            ["minItems"] = 1,
            ["maxItems"] = texts.MaximumLength,
            ["items"] = new JsonObject { ["type"] = "string", ["minLength"] = 1, ["maxLength"] = texts.MaximumTextLength },
        },
        SizesParameter sizes => new()
        {
            ["type"] = "array",
            ["minItems"] = 1,
            ["maxItems"] = sizes.MaximumLength,
            ["items"] = new JsonObject { ["type"] = "integer", ["minimum"] = 1, ["maximum"] = sizes.MaximumSize },
        },
        _ => throw new InvalidOperationException($"{parameter.GetType()} is no known kind of parameter."),
    };

    /// <summary>A list of levels, or a mapping with one of the domains and an optional <c>when</c>.</summary>
    private static JsonObject FactorOf(Parameter parameter)
    {
        var domains = SpaceReader.DomainKeysOf(parameter).ToList();
        var mapping = Object(
        [
            (SweepKeys.When, Refer(SweepKeys.When)),
            .. domains.Select(key => (key, SpaceReader.IsRange(key) ? Bounds(parameter) : Levels(parameter))),
        ]);
        mapping["oneOf"] = Array(domains.Select(key => new JsonObject { ["required"] = Array([JsonValue.Create(key)]) }));
        return new() { ["anyOf"] = Array([Levels(parameter), mapping]) };
    }

    private static JsonObject When()
    {
        var schema = Object(Parameters.Written.Select(parameter =>
            (parameter.Name, new JsonObject { ["anyOf"] = Array([Refer(parameter.Name), Levels(parameter)]) })),
            free: new() { ["type"] = Array(["number", "boolean", "string", "array"]) });
        schema["minProperties"] = 1;
        return schema;
    }

    private static JsonObject Levels(Parameter parameter)
    {
        var levels = List(Refer(parameter.Name));
        levels["uniqueItems"] = true;
        return levels;
    }

    private static JsonObject Bounds(Parameter parameter)
    {
        var bounds = List(Refer(parameter.Name));
        bounds["minItems"] = 2;
        bounds["maxItems"] = 2;
        return bounds;
    }

    private static JsonObject SearchBy(string method) => Object(
        [
            (SweepKeys.Method.Name, Describe(new() { ["enum"] = Array([JsonValue.Create(method)]) }, SweepKeys.Method.Description)),
            .. SweepKeys.MethodKeys[method].Select(key => key == SweepKeys.Configurations
                ? (key, List(Object(Varying.Select(Reference), free: FreeValue())))
                : (key, Define(key == SweepKeys.Trials.Name ? SweepKeys.Trials : SweepKeys.Seed))),
        ],
        [SweepKeys.Method.Name, .. SweepKeys.MethodKeys[method].Where(key => key != SweepKeys.Seed.Name)]);

    private static JsonObject Claim()
    {
        var claim = Object(Varying.Select(parameter => (parameter.Name, ClaimText())), free: ClaimText());
        claim["minProperties"] = 1;
        claim["maxProperties"] = 1;
        return claim;
    }

    private static JsonObject ClaimText() => new() { ["type"] = "string", ["pattern"] = ">" };

    private static JsonObject List(JsonObject items) => new() { ["type"] = "array", ["minItems"] = 1, ["items"] = items };

    /// <param name="free">The schema of the values of other names; null where there are none.</param>
    private static JsonObject Object(
        IEnumerable<(string Name, JsonObject Schema)> properties, IEnumerable<string>? required = null, JsonObject? free = null)
    {
        var schema = new JsonObject
        {
            ["type"] = "object",
            ["additionalProperties"] = free is null ? JsonValue.Create(false) : free,
            ["properties"] = new JsonObject(properties.Select(property => KeyValuePair.Create(property.Name, (JsonNode?)property.Schema))),
        };
        if (required is not null)
            schema["required"] = Array(required.Select(name => JsonValue.Create(name)));
        return schema;
    }

    private static JsonObject Describe(JsonObject schema, string description)
    {
        schema.Insert(0, "description", description);
        return schema;
    }

    private static JsonArray Array(IEnumerable<JsonNode?> items) => [.. items];
}
