using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace DeepTrain.Cluster.Sweeps;

/// <summary>Everything a trial's result depends on besides its replicate: the resolved value of each parameter in effect.</summary>
/// <remarks>
/// A parameter that has no effect here (<c>leakAlpha</c> where the activation is not leaky-relu) is left out, and <c>depth</c> and
/// <c>width</c> are written as <c>hidden</c>: two configurations are equal exactly when they train the same thing. A name that is not in
/// the table of <see cref="Parameters"/> is that of a parameter which the file declares for its command; it always has an effect.
/// </remarks>
public sealed class Configuration : IEquatable<Configuration>
{
    private static readonly ImmutableArray<Parameter> InOrdinalOrder =
        [.. Parameters.All.OrderBy(parameter => parameter.Name, StringComparer.Ordinal)];

    private readonly OrderedDictionary<string, ParameterValue> _values;

    /// <param name="values">In ordinal order.</param>
    private Configuration(IEnumerable<KeyValuePair<string, ParameterValue>> values)
    {
        _values = new(values, StringComparer.Ordinal);
        Json = Write(_values.Where(Told));
        CellId = Hash(Json);
    }

    /// <summary>
    /// The canonical JSON: an object with its keys in ordinal order and no white space; without the defaults of parameters that
    /// <see cref="Parameter.CameLater"/>.
    /// </summary>
    public string Json { get; }

    /// <summary>16 hexadecimal digits that stand for <see cref="Json"/>.</summary>
    public string CellId { get; }

    /// <summary>Configurations with the same key can be trained as one stacked network.</summary>
    public string FusionKey => field ??= Hash(Write(_values.Where(value =>
        Parameters.ByName.GetValueOrDefault(value.Key) is not { Shared: false } && Told(value))));

    public IReadOnlyDictionary<string, ParameterValue> Values => _values;

    public double this[NumberParameter parameter] => _values[parameter.Name].AsNumber();

    public int this[IntegerParameter parameter] => _values[parameter.Name].AsInteger();

    public bool this[FlagParameter parameter] => _values[parameter.Name].AsFlag();

    public string this[ChoiceParameter parameter] => _values[parameter.Name].AsText();

    /// <summary>Null where it is not given, or has no effect.</summary>
    public string? this[TextParameter parameter] => _values.TryGetValue(parameter.Name, out var value) ? value.AsText() : null;

    public ImmutableArray<string> this[TextsParameter parameter] => _values[parameter.Name].AsTexts();

    public ImmutableArray<int> this[SizesParameter parameter] => _values[parameter.Name].AsSizes();

    /// <summary>Fills in defaults, writes depth x width as hidden and drops what has no effect.</summary>
    /// <param name="values">The values given, by parameter name, each already of its parameter's kind and range.</param>
    public static Configuration Resolve(IReadOnlyDictionary<string, ParameterValue> values)
    {
        var known = OfTable(values);
        var free = values.Where(value => !Parameters.ByName.ContainsKey(value.Key)).ToList();
        return new(free.Count == 0 ? known : known.Concat(free).OrderBy(value => value.Key, StringComparer.Ordinal));
    }

    /// <summary>Reads <see cref="Json"/> back.</summary>
    /// <exception cref="JsonException">The text is not a JSON object.</exception>
    public static Configuration Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return Resolve(document.RootElement.EnumerateObject()
            .ToDictionary(property => property.Name, property => ParameterValue.FromJson(property.Value)));
    }

    /// <summary>Whether a parameter has any effect beside the other values, or their defaults.</summary>
    public static bool Applies(Parameter parameter, IReadOnlyDictionary<string, ParameterValue> values) =>
        parameter.AppliesWhen is not { } when
        || ((values.GetValueOrDefault(when.Of.Name) ?? when.Of.Default) is { } value && when.Values.Contains(value.ToString()));

    public bool Equals(Configuration? other) => other is not null && Json == other.Json;

    public override bool Equals(object? obj) => Equals(obj as Configuration);

    public override int GetHashCode() => Json.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => Json;

    private static IEnumerable<KeyValuePair<string, ParameterValue>> OfTable(IReadOnlyDictionary<string, ParameterValue> values) =>
        from parameter in InOrdinalOrder
        where parameter != Parameters.Depth && parameter != Parameters.Width && Applies(parameter, values)
        let value = (parameter == Parameters.Hidden ? LayersOf(values) : null) ?? values.GetValueOrDefault(parameter.Name) ?? parameter.Default
        where value is not null
        select KeyValuePair.Create(parameter.Name, value);

    private static ParameterValue? LayersOf(IReadOnlyDictionary<string, ParameterValue> values) =>
        values.TryGetValue(Parameters.Depth.Name, out var depth) && values.TryGetValue(Parameters.Width.Name, out var width)
            ? ParameterValue.Of([.. Enumerable.Repeat(width.AsInteger(), depth.AsInteger())])
            : null;

    private static bool Told(KeyValuePair<string, ParameterValue> value) =>
        Parameters.ByName.GetValueOrDefault(value.Key) is not { CameLater: true } parameter || value.Value != parameter.Default;

    private static string Write(IEnumerable<KeyValuePair<string, ParameterValue>> values) =>
        $"{{{string.Join(',', values.Select(value => $"\"{value.Key}\":{value.Value.Json}"))}}}";

    private static string Hash(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 8));
}
