using System.Collections;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace DeepTrain.Cluster.Sweeps;

/// <summary>The values of a configuration by their parameters' names, in ordinal order.</summary>
/// <remarks>One array and a search by halves: a sweep may have a hundred thousand configurations in memory.</remarks>
internal sealed class ParameterValues(ImmutableArray<KeyValuePair<string, ParameterValue>> inOrder) : IReadOnlyDictionary<string, ParameterValue>
{
    public ImmutableArray<KeyValuePair<string, ParameterValue>> InOrder => inOrder;

    public int Count => inOrder.Length;

    public IEnumerable<string> Keys => inOrder.Select(value => value.Key);

    public IEnumerable<ParameterValue> Values => inOrder.Select(value => value.Value);

    public ParameterValue this[string key] => TryGetValue(key, out var value)
        ? value
        : throw new KeyNotFoundException($"The parameter {key} has no effect in this configuration.");

    public bool ContainsKey(string key) => TryGetValue(key, out _);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out ParameterValue value)
    {
        var (low, high) = (0, inOrder.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = string.CompareOrdinal(inOrder[middle].Key, key);
            if (order == 0)
            {
                value = inOrder[middle].Value;
                return true;
            }
            if (order < 0)
                low = middle + 1;
            else
                high = middle - 1;
        }
        value = null;
        return false;
    }

    public IEnumerator<KeyValuePair<string, ParameterValue>> GetEnumerator() =>
        inOrder.AsEnumerable().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
