using System.Collections;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace DeepTrain.Cluster.Sweeps.Configurations;

/// <summary>The values of a configuration by their parameters' names, in ordinal order.</summary>
/// <param name="own">The values that vary within the frame, in the order of the frame.</param>
internal sealed class ParameterValues(ConfigurationFrame frame, ImmutableArray<ParameterValue> own) : IReadOnlyDictionary<string, ParameterValue>
{
    public int Count => frame.Count;

    public IEnumerable<string> Keys => this.Select(value => value.Key);

    public IEnumerable<ParameterValue> Values => this.Select(value => value.Value);

    public ParameterValue this[string key] => TryGetValue(key, out var value)
        ? value
        : throw new KeyNotFoundException($"The parameter {key} has no effect in this configuration.");

    public bool ContainsKey(string key) => frame.IndexOf(key) >= 0;

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out ParameterValue value)
    {
        var index = frame.IndexOf(key);
        value = index < 0 ? null : frame.At(index, own).Value;
        return value is not null;
    }

    public IEnumerator<KeyValuePair<string, ParameterValue>> GetEnumerator() =>
        Enumerable.Range(0, frame.Count).Select(index => frame.At(index, own)).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
