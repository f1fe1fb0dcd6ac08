using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Files.Yaml;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Sweeps.Files;

/// <summary>Reads <c>claims</c>.</summary>
internal sealed class ClaimReader(ValueReader values, KnownParameters known, Problems problems)
{
    /// <param name="domains">The domain of each factor; null where the file's domain is invalid.</param>
    public ImmutableArray<Claim> Read(Field? field, IReadOnlyDictionary<string, Domain?> domains)
    {
        if (field is null)
            return [];
        if (field.Value is not YamlList { Items: { IsEmpty: false } items })
        {
            problems.Error(field.Value.Place, field.Path, $"expected a list of claims such as - activation: elu > relu, found {(
                field.Value is YamlList ? "an empty list" : field.Value.Described)}; without claims, remove the key");
            return [];
        }

        return [.. items.SelectMany((item, i) => ReadItem(item, ValueReader.At(field.Path, i), domains))];
    }

    private ImmutableArray<Claim> ReadItem(YamlNode node, string path, IReadOnlyDictionary<string, Domain?> domains)
    {
        if (Fields.Read(node, path, known.Varying, problems) is not { } fields)
            return [];
        if (node is YamlMap { Entries.Length: not 1 })
            problems.Error(node.Place, path, "expected one factor a claim, each after a hyphen of its own");
        return [.. fields.All.Select(field => ReadClaim(field, domains)).OfType<Claim>()];
    }

    private Claim? ReadClaim(Field field, IReadOnlyDictionary<string, Domain?> domains)
    {
        if (!domains.TryGetValue(field.Name, out var domain))
        {
            problems.Error(field.Place, field.Path, $"{field.Name} does not vary in this sweep; expected {(
                domains.Count == 0 ? "a sweep with a space" : $"one of {string.Join(", ", domains.Keys)}")}");
            return null;
        }

        if (field.Value is not YamlScalar scalar || scalar.Text.Split('>') is not { Length: > 1 } parts)
        {
            problems.Error(field.Value.Place, field.Path, $"expected at least two levels, the best first, such as a > b, found {field.Value.Described}");
            return null;
        }

        var parameter = known[field.Name];
        var order = parts.Select(part => values.Read(parameter, ToNode(part.Trim(), scalar.Place), field.Path)).ToList();
        if (order.Contains(null))
            return null;
        foreach (var level in order.GroupBy(level => level).Where(group => group.Count() > 1))
            problems.Error(scalar.Place, field.Path, $"the level {level.Key} is named twice; keep one");
        if (domain is not null and not Domain.Levels)
            problems.Error(scalar.Place, field.Path, $"{field.Name} has no listed levels to claim about; it is drawn from a range");
        else if (domain is Domain.Levels levels)
        {
            foreach (var level in order.Distinct().Where(level => !levels.Values.Contains(level!)))
                problems.Error(scalar.Place, field.Path, $"{level} is no level of {field.Name}; expected some of {string.Join(", ", levels.Values)}");
        }

        return new(field.Name, [.. order.Select(level => level!)]);
    }

    /// <summary>Parses a level of a claim as if it were a value of its own in the file: a scalar, or a list of sizes.</summary>
    private static YamlNode ToNode(string text, Place place) => text.StartsWith('[') && text.EndsWith(']')
        ? new YamlList(place, [.. text[1..^1].Split(',').Select(size => new YamlScalar(place, size.Trim(), Plain: true))])
        : new YamlScalar(place, text, Plain: true);
}
