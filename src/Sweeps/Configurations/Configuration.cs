using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace DeepTrain.Cluster.Sweeps;

/// <summary>Everything a trial's result depends on besides its replicate: the resolved value of each parameter in effect.</summary>
/// <remarks>
/// A parameter that has no effect here (<c>leakAlpha</c> where the activation is not leaky-relu) is left out, and <c>depth</c> and
/// <c>width</c> are written as <c>hidden</c>: two configurations are equal exactly when they train the same thing.
/// </remarks>
public sealed class Configuration : IEquatable<Configuration>
{
    private readonly ImmutableSortedDictionary<string, ParameterValue> _values;

    private Configuration(ImmutableSortedDictionary<string, ParameterValue> values)
    {
        _values = values;
        Json = Write(values);
        CellId = Hash(Json);
        FusionKey = Hash(Write(values.Where(value => Parameters.ByName[value.Key].Shared)));
    }

    /// <summary>The canonical JSON: an object with its keys in ordinal order and no white space.</summary>
    public string Json { get; }

    /// <summary>16 hexadecimal digits that stand for <see cref="Json"/>.</summary>
    public string CellId { get; }

    /// <summary>Configurations with the same key can be trained as one stacked network.</summary>
    public string FusionKey { get; }

    public IReadOnlyDictionary<string, ParameterValue> Values => _values;

    public double this[NumberParameter parameter] => _values[parameter.Name].AsNumber();

    public int this[IntegerParameter parameter] => _values[parameter.Name].AsInteger();

    public bool this[FlagParameter parameter] => _values[parameter.Name].AsFlag();

    public string this[ChoiceParameter parameter] => _values[parameter.Name].AsText();

    public ImmutableArray<int> this[SizesParameter parameter] => _values[parameter.Name].AsSizes();

    /// <summary>Fills in defaults, writes depth x width as hidden and drops what has no effect.</summary>
    /// <param name="values">The values given, by parameter name, each already of its parameter's kind and range.</param>
    public static Configuration Resolve(IReadOnlyDictionary<string, ParameterValue> values)
    {
        var all = Parameters.All
            .Where(parameter => parameter.Default is not null)
            .ToImmutableSortedDictionary(parameter => parameter.Name, parameter => parameter.Default!, StringComparer.Ordinal)
            .SetItems(values);
        if (all.TryGetValue(Parameters.Depth.Name, out var depth) && all.TryGetValue(Parameters.Width.Name, out var width))
            all = all.SetItem(Parameters.Hidden.Name,
                ParameterValue.Of([.. Enumerable.Repeat(width.AsInteger(), depth.AsInteger())]));
        all = all.RemoveRange([Parameters.Depth.Name, Parameters.Width.Name]);
        return new(all.RemoveRange(Parameters.All.Where(parameter => !Applies(parameter, all)).Select(parameter => parameter.Name)));
    }

    /// <summary>Reads <see cref="Json"/> back.</summary>
    /// <exception cref="JsonException">The text is not a JSON object.</exception>
    public static Configuration Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return new(document.RootElement.EnumerateObject().ToImmutableSortedDictionary(
            property => property.Name, property => ParameterValue.FromJson(property.Value), StringComparer.Ordinal));
    }

    /// <summary>Whether a parameter has any effect beside the other values.</summary>
    public static bool Applies(Parameter parameter, IReadOnlyDictionary<string, ParameterValue> values) =>
        parameter.AppliesWhen is not { } when
        || (values.TryGetValue(when.Of.Name, out var value) && when.Values.Contains(value.AsText()));

    public bool Equals(Configuration? other) => other is not null && Json == other.Json;

    public override bool Equals(object? obj) => Equals(obj as Configuration);

    public override int GetHashCode() => Json.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => Json;

    private static string Write(IEnumerable<KeyValuePair<string, ParameterValue>> values) =>
        $"{{{string.Join(',', values.Select(value => $"{JsonSerializer.Serialize(value.Key)}:{value.Value.Json}"))}}}";

    private static string Hash(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 8));
}
