using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files.Yaml;

namespace DeepTrain.Cluster.Sweeps.Files;

/// <summary>A key of the file and its value.</summary>
/// <param name="Path">The dotted path for messages.</param>
/// <param name="Place">The position of the key.</param>
internal sealed record Field(string Name, string Path, Place Place, YamlNode Value);

/// <summary>The known keys of one mapping, each once, in the order of the file.</summary>
internal sealed class Fields
{
    private Fields(string path, YamlNode node, ImmutableArray<Field> all) => (Path, Place, All) = (path, node.Place, all);

    public string Path { get; }

    public Place Place { get; }

    public ImmutableArray<Field> All { get; }

    public Field? this[string name] => All.FirstOrDefault(field => field.Name == name);

    public static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";

    /// <summary>Null if the node is not a mapping. Unknown and repeated keys are reported and left out.</summary>
    public static Fields? Read(YamlNode node, string path, IReadOnlyCollection<string> known, Problems problems)
    {
        if (node is not YamlMap map)
        {
            problems.Error(node.Place, path, $"expected a mapping with keys such as {known.First()}:, found {node.Described}");
            return null;
        }

        var fields = new OrderedDictionary<string, Field>(StringComparer.Ordinal);
        foreach (var (key, value) in map.Entries)
        {
            if (key is not YamlScalar name)
                problems.Error(key.Place, path, $"expected a name as the key, found {key.Described}");
            else if (name is { Plain: true, Text: "<<" })
                problems.Error(key.Place, Join(path, "<<"), "merge keys are not supported; write the keys out");
            else if (!known.Contains(name.Text))
                problems.Error(key.Place, Join(path, YamlScalar.Shorten(name.Text)), problems.IsFull ? "" : $"unknown key{Hint(name.Text, known)}");
            else if (fields.TryGetValue(name.Text, out var first))
                problems.Error(key.Place, first.Path, $"the key is given twice, first on line {first.Place.Line}; keep one");
            else
                fields[name.Text] = new(name.Text, Join(path, name.Text), key.Place, value);
        }

        return new(path, node, [.. fields.Values]);
    }

    private static string Hint(string name, IReadOnlyCollection<string> known)
    {
        if (Parameters.ByName.TryGetValue(name, out var parameter) && !parameter.IsDerived)
            return parameter.Section == Section.Sweep ? "; it belongs at the top level" : $"; it belongs under {parameter.SectionKey}";
        var nearest = Nearest.To(name, known);
        return $"{(nearest is null ? "" : $"; did you mean '{nearest}'?")}; expected one of {string.Join(", ", known)}";
    }
}
