using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;

namespace DeepTrain.Cluster.Sweeps.Configurations;

/// <summary>The part that similar configurations share: the names of the parameters in effect, and the values that do not vary.</summary>
/// <remarks>It saves memory: a sweep may have a hundred thousand configurations that differ in few values.</remarks>
internal sealed class ConfigurationFrame
{
    private const int UsualSize = 1_024;

    private readonly ImmutableArray<Entry> _entries;

    /// <param name="inOrder">The values of a configuration by parameter name, in ordinal order.</param>
    /// <param name="varying">The parameters of which each configuration has its own value. <see cref="Decides"/> is false for them.</param>
    public ConfigurationFrame(IEnumerable<KeyValuePair<string, ParameterValue>> inOrder, ImmutableArray<string> varying)
    {
        _entries =
        [
            .. inOrder.Select(value => (value, Place: varying.IndexOf(value.Key))).Select(entry => new Entry(
                entry.value.Key, Parameters.ByName.GetValueOrDefault(entry.value.Key), entry.Place < 0 ? entry.value.Value : null, entry.Place)),
        ];
        FusionKey = Hash(varying.Select(_ => ParameterValue.Of(0)).ToImmutableArray(), sharedOnly: true);
    }

    /// <summary>Configurations with the same key can be trained as one stacked network.</summary>
    public string FusionKey { get; }

    public int Count => _entries.Length;

    /// <summary>
    /// Whether a parameter decides which parameters have an effect or which trials can be trained together. Its value must be in the frame.
    /// </summary>
    public static bool Decides(Parameter parameter) =>
        parameter.Shared || !Parameters.ByName.ContainsKey(parameter.Name) || Parameters.All.Any(other => other.AppliesWhen?.Of == parameter);

    /// <summary>The index of a parameter in ordinal order; negative if it has no effect.</summary>
    public int IndexOf(string name)
    {
        var (low, high) = (0, _entries.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = string.CompareOrdinal(_entries[middle].Name, name);
            if (order == 0)
                return middle;
            if (order < 0)
                low = middle + 1;
            else
                high = middle - 1;
        }
        return -1;
    }

    public KeyValuePair<string, ParameterValue> At(int index, ImmutableArray<ParameterValue> own) =>
        new(_entries[index].Name, _entries[index].Common ?? own[_entries[index].Place]);

    /// <summary>The canonical JSON: an object with its keys in ordinal order and no white space.</summary>
    public string Write(ImmutableArray<ParameterValue> own)
    {
        var json = new DefaultInterpolatedStringHandler(0, 0, null, stackalloc char[UsualSize]);
        Write(ref json, own, sharedOnly: false);
        return json.ToStringAndClear();
    }

    /// <summary>16 hexadecimal digits of a hash of the JSON: of all values, or only of those that the trials of a cohort share.</summary>
    public string Hash(ImmutableArray<ParameterValue> own, bool sharedOnly = false)
    {
        var json = new DefaultInterpolatedStringHandler(0, 0, null, stackalloc char[UsualSize]);
        Write(ref json, own, sharedOnly);
        var size = Encoding.UTF8.GetMaxByteCount(json.Text.Length);
        var bytes = size <= 4 * UsualSize ? stackalloc byte[size] : new byte[size];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes[..Encoding.UTF8.GetBytes(json.Text, bytes)], hash);
        json.Clear();
        return Convert.ToHexStringLower(hash[..8]);
    }

    private void Write(ref DefaultInterpolatedStringHandler json, ImmutableArray<ParameterValue> own, bool sharedOnly)
    {
        var separator = "{\"";
        foreach (var (name, parameter, common, place) in _entries)
        {
            var value = common ?? own[place];
            if (parameter is not null && ((sharedOnly && !parameter.Shared) || (parameter.CameLater && value == parameter.Default)))
                continue;
            json.AppendLiteral(separator);
            json.AppendLiteral(name);
            json.AppendLiteral("\":");
            json.AppendLiteral(value.Json);
            separator = ",\"";
        }
        json.AppendLiteral(separator[0] == ',' ? "}" : "{}");
    }

    /// <param name="Parameter">Null where the sweep file declares the parameter for its command.</param>
    /// <param name="Common">Null where each configuration has its own value.</param>
    /// <param name="Place">The index among a configuration's own values.</param>
    private readonly record struct Entry(string Name, Parameter? Parameter, ParameterValue? Common, int Place);
}
