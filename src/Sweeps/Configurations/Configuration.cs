using System.Collections.Immutable;
using System.Text.Json;

namespace DeepTrain.Cluster.Sweeps.Configurations;

/// <summary>All that a trial's result depends on besides its replicate: the resolved value of each parameter in effect.</summary>
/// <remarks>
/// Parameters without an effect are left out (<c>leakAlpha</c> where the activation is not leaky-relu), and <c>depth</c> and
/// <c>width</c> are written as <c>hidden</c>: two configurations are equal exactly when they train the same network. A name that is not in
/// the table of <see cref="Parameters"/> is a parameter that the file declares for its command. It always has an effect.
/// </remarks>
public sealed class Configuration : IEquatable<Configuration>
{
    private static readonly ImmutableArray<Parameter> InOrdinalOrder =
        [.. Parameters.All.OrderBy(parameter => parameter.Name, StringComparer.Ordinal)];

    private readonly ConfigurationFrame _frame;
    private readonly ImmutableArray<ParameterValue> _own;

    /// <param name="own">The values of the parameters that vary within the frame, in the order of the frame.</param>
    internal Configuration(ConfigurationFrame frame, ImmutableArray<ParameterValue> own)
    {
        (_frame, _own) = (frame, own);
        CellId = frame.Hash(own);
    }

    /// <summary>
    /// The canonical JSON: an object with its keys in ordinal order and no white space, without the defaults of parameters that
    /// <see cref="Parameter.CameLater"/>. It is not cached, because a large sweep holds many configurations.
    /// </summary>
    public string Json => _frame.Write(_own);

    /// <summary>16 hexadecimal digits of a hash of <see cref="Json"/>.</summary>
    public string CellId { get; }

    /// <summary>Configurations with the same key can be trained as one stacked network.</summary>
    public string FusionKey => _frame.FusionKey;

    public IReadOnlyDictionary<string, ParameterValue> Values => new ParameterValues(_frame, _own);

    public double this[NumberParameter parameter] => Values[parameter.Name].AsNumber();

    public int this[IntegerParameter parameter] => Values[parameter.Name].AsInteger();

    public bool this[FlagParameter parameter] => Values[parameter.Name].AsFlag();

    public string this[ChoiceParameter parameter] => Values[parameter.Name].AsText();

    /// <summary>The value of a text parameter; null where it is not given or has no effect.</summary>
    public string? this[TextParameter parameter] => Values.TryGetValue(parameter.Name, out var value) ? value.AsText() : null;

    public ImmutableArray<string> this[TextsParameter parameter] => Values[parameter.Name].AsTexts();

    public ImmutableArray<int> this[SizesParameter parameter] => Values[parameter.Name].AsSizes();

    /// <summary>Adds defaults, writes depth and width as hidden, and drops values without an effect.</summary>
    /// <param name="values">The given values by parameter name. Each must have the kind and range of its parameter.</param>
    public static Configuration Resolve(IReadOnlyDictionary<string, ParameterValue> values) => new(Frame(values, []), []);

    /// <summary>The frame of all configurations that differ from the given values only in the varying parameters.</summary>
    internal static ConfigurationFrame Frame(IReadOnlyDictionary<string, ParameterValue> values, ImmutableArray<string> varying)
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
        var free = values.Where(value => !Parameters.ByName.ContainsKey(value.Key)).ToList();
        return new(free.Count == 0 ? resolved : resolved.Concat(free).OrderBy(value => value.Key, StringComparer.Ordinal), varying);
    }

    /// <summary>Parses <see cref="Json"/>.</summary>
    /// <exception cref="JsonException">The text is not a JSON object.</exception>
    public static Configuration Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return Resolve(document.RootElement.EnumerateObject()
            .ToDictionary(property => property.Name, property => ParameterValue.FromJson(property.Value)));
    }

    /// <summary>Whether a parameter has any effect, given the other values or their defaults.</summary>
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
}
