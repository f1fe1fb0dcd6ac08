using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace DeepTrain.Cluster.Sweeps.Configurations;

/// <summary>The value of one parameter, stored as its canonical JSON text.</summary>
/// <remarks>
/// Two values are equal exactly when their canonical texts are equal. Numbers are in their shortest round-trip form.
/// So equality, hashing and storage all use the same text.
/// </remarks>
public sealed record ParameterValue
{
    private string? _text;

    private ParameterValue(string json) => Json = json;

    /// <summary>The canonical JSON text: <c>0.05</c>, <c>true</c>, <c>"relu"</c>, <c>[64,32]</c>.</summary>
    public string Json { get; }

    public static ParameterValue Of(double number) => double.IsFinite(number)
        ? new((number == 0 ? 0 : number).ToString("R", CultureInfo.InvariantCulture))
        : throw new ArgumentOutOfRangeException(nameof(number), number, "A parameter's value must be finite.");

    public static ParameterValue Of(long number) => new(number.ToString(CultureInfo.InvariantCulture));

    public static ParameterValue Of(bool flag) => new(flag ? "true" : "false");

    public static ParameterValue Of(string text) => new(JsonSerializer.Serialize(text));

    public static ParameterValue Of(ImmutableArray<int> sizes) => new($"[{string.Join(',', sizes)}]");

    public static ParameterValue Of(ImmutableArray<string> texts) => new(JsonSerializer.Serialize(texts));

    /// <summary>Creates a value from JSON of a supported kind: number, boolean, string, array of integers or array of strings.</summary>
    public static ParameterValue FromJson(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.True => Of(true),
        JsonValueKind.False => Of(false),
        JsonValueKind.String => Of(json.GetString()!),
        JsonValueKind.Number => json.TryGetInt64(out var integer) ? Of(integer) : Of(json.GetDouble()),
        JsonValueKind.Array when json.EnumerateArray().Any(item => item.ValueKind == JsonValueKind.String) =>
            Of([.. json.EnumerateArray().Select(item => item.GetString()!)]),
        JsonValueKind.Array => Of([.. json.EnumerateArray().Select(item => item.GetInt32())]),
        _ => throw new FormatException($"{json.ValueKind} is not the kind of a parameter's value."),
    };

    public double AsNumber() => double.Parse(Json, CultureInfo.InvariantCulture);

    public int AsInteger() => int.Parse(Json, CultureInfo.InvariantCulture);

    public bool AsFlag() => bool.Parse(Json);

    public string AsText() => Json.Contains('\\', StringComparison.Ordinal) ? JsonSerializer.Deserialize<string>(Json)! : Json[1..^1];

    public ImmutableArray<int> AsSizes() => JsonSerializer.Deserialize<ImmutableArray<int>>(Json);

    public ImmutableArray<string> AsTexts() => JsonSerializer.Deserialize<ImmutableArray<string>>(Json);

    /// <summary>The value as the user writes it: text without quotes.</summary>
    public override string ToString() => _text ??= Json.StartsWith('"') ? AsText() : Json;

    public bool Equals(ParameterValue? other) => other is not null && Json == other.Json;

    public override int GetHashCode() => Json.GetHashCode(StringComparison.Ordinal);
}
