using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
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

    private static readonly FrozenDictionary<string, Parameter> OfTable = Parameters.ByName.ToFrozenDictionary(StringComparer.Ordinal);

    private readonly ParameterValues _values;

    private Configuration(ParameterValues values)
    {
        _values = values;
        CellId = Hash(Json);
    }

    /// <summary>
    /// The canonical JSON: an object with its keys in ordinal order and no white space; without the defaults of parameters that
    /// <see cref="Parameter.CameLater"/>. Written anew each time: a large sweep holds many configurations.
    /// </summary>
    public string Json => Write(sharedOnly: false);

    /// <summary>16 hexadecimal digits that stand for <see cref="Json"/>.</summary>
    public string CellId { get; }

    /// <summary>Configurations with the same key can be trained as one stacked network.</summary>
    public string FusionKey => field ??= Hash(Write(sharedOnly: true));

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
        var resolved = new List<KeyValuePair<string, ParameterValue>>(InOrdinalOrder.Length);
        foreach (var parameter in InOrdinalOrder)
        {
            if (ReferenceEquals(parameter, Parameters.Depth) || ReferenceEquals(parameter, Parameters.Width) || !Applies(parameter, values))
                continue;
            if (((ReferenceEquals(parameter, Parameters.Hidden) ? LayersOf(values) : null)
                ?? values.GetValueOrDefault(parameter.Name) ?? parameter.Default) is { } value)
                resolved.Add(new(parameter.Name, value));
        }
        var free = values.Where(value => !OfTable.ContainsKey(value.Key)).ToList();
        return new(new(free.Count == 0 ? [.. resolved] : [.. resolved.Concat(free).OrderBy(value => value.Key, StringComparer.Ordinal)]));
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

    public bool Equals(Configuration? other) => other is not null && CellId == other.CellId && Json == other.Json;

    public override bool Equals(object? obj) => Equals(obj as Configuration);

    public override int GetHashCode() => CellId.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => Json;

    private static ParameterValue? LayersOf(IReadOnlyDictionary<string, ParameterValue> values) =>
        values.TryGetValue(Parameters.Depth.Name, out var depth) && values.TryGetValue(Parameters.Width.Name, out var width)
            ? ParameterValue.Of([.. Enumerable.Repeat(width.AsInteger(), depth.AsInteger())])
            : null;

    private string Write(bool sharedOnly)
    {
        var json = new DefaultInterpolatedStringHandler(0, 0, null, stackalloc char[1024]);
        var separator = "{\"";
        foreach (var (name, value) in _values.InOrder)
        {
            if (OfTable.TryGetValue(name, out var parameter)
                && ((sharedOnly && !parameter.Shared) || (parameter.CameLater && value == parameter.Default)))
                continue;
            json.AppendLiteral(separator);
            json.AppendLiteral(name);
            json.AppendLiteral("\":");
            json.AppendLiteral(value.Json);
            separator = ",\"";
        }
        json.AppendLiteral(separator[0] == ',' ? "}" : "{}");
        return json.ToStringAndClear();
    }

    private static string Hash(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 8));
}
