using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files.Yaml;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Sweeps.Files;

/// <summary>A factor as the file gives it.</summary>
/// <param name="Domain">Null where any part of it is invalid.</param>
/// <param name="When">Without the invalid keys.</param>
internal sealed record FactorField(Parameter Parameter, Field Field, Domain? Domain, Fields? WhenFields, Condition? When);

/// <summary>Reads <c>space</c>: the factors, their domains and where they apply.</summary>
/// <param name="isRandom">Whether the search draws at random, and so accepts continuous domains.</param>
internal sealed class SpaceReader(ValueReader values, KnownParameters known, Problems problems, bool isRandom)
{
    private static readonly ImmutableArray<string> FactorKeys = [SweepKeys.When, .. SweepKeys.DomainKeys];

    /// <summary>The keys that can declare the domain of a parameter.</summary>
    public static IEnumerable<string> DomainKeysOf(Parameter parameter) => SweepKeys.DomainKeys.Where(key => key switch
    {
        "integer" => parameter is IntegerParameter,
        "uniform" or "logUniform" => parameter is NumberParameter,
        _ => true,
    });

    /// <summary>Whether the key takes two bounds, not levels.</summary>
    public static bool IsRange(string domainKey) => domainKey is "integer" or "uniform" or "logUniform";

    public ImmutableArray<FactorField> Read(Field? space) =>
        space is null || Fields.Read(space.Value, space.Path, known.Varying, problems) is not { } fields
            ? []
            : [.. fields.All.Select(ReadFactor)];

    private FactorField ReadFactor(Field field)
    {
        var parameter = known[field.Name];
        if (field.Value is not YamlMap map)
            return new(parameter, field, ReadLevels(parameter, field.Value, field.Path), null, null);
        var fields = Fields.Read(map, field.Path, FactorKeys, problems)!;
        var domains = fields.All.Where(key => key.Name != SweepKeys.When).ToList();
        if (domains.Count != 1 && fields.All.Length == map.Entries.Length)
            problems.Error(fields.Place, field.Path, $"expected one of {string.Join(", ", DomainKeysHere(parameter))}, found {domains.Count}");
        var domain = domains is [var only] ? ReadDomain(parameter, only) : null;
        var when = fields[SweepKeys.When] is { } key ? ReadWhen(key) : null;
        return new(parameter, field, domain, when?.Fields, when?.Condition);
    }

    private Domain? ReadDomain(Parameter parameter, Field field)
    {
        if (!IsRange(field.Name))
            return ReadLevels(parameter, field.Value, field.Path);
        if (!DomainKeysOf(parameter).Contains(field.Name))
        {
            problems.Error(field.Place, field.Path,
                $"{parameter.Name} takes {parameter.Expected}; expected one of {string.Join(", ", DomainKeysHere(parameter))} here");
            return null;
        }

        if (!isRandom)
        {
            problems.Error(field.Place, field.Path,
                "a range needs random draws; list levels instead, or set search: { method: random, trials: 50 }");
            return null;
        }

        if (field.Value is not YamlList { Items: [var low, var high] })
        {
            problems.Error(field.Value.Place, field.Path, $"expected two bounds such as [0.1, 1], found {field.Value.Described}");
            return null;
        }

        var (from, to) = (values.Read(parameter, low, ValueReader.At(field.Path, 0)), values.Read(parameter, high, ValueReader.At(field.Path, 1)));
        if (from is null || to is null)
            return null;
        if (from.AsNumber() >= to.AsNumber())
            problems.Error(field.Value.Place, field.Path, $"expected the lower bound first, found [{from}, {to}]");
        else if (field.Name == "logUniform" && from.AsNumber() <= 0)
            problems.Error(low.Place, ValueReader.At(field.Path, 0), $"expected a number above 0, found {from}; logUniform draws the logarithm");
        else
        {
            return field.Name switch
            {
                "uniform" => new Domain.Uniform(from.AsNumber(), to.AsNumber()),
                "logUniform" => new Domain.LogUniform(from.AsNumber(), to.AsNumber()),
                _ => new Domain.Integers(from.AsInteger(), to.AsInteger()),
            };
        }

        return null;
    }

    /// <summary>The keys that can declare the parameter's domain and that the search of this sweep accepts.</summary>
    private IEnumerable<string> DomainKeysHere(Parameter parameter) => DomainKeysOf(parameter).Where(key => isRandom || !IsRange(key));

    private Domain.Levels? ReadLevels(Parameter parameter, YamlNode node, string path)
    {
        var levels = values.ReadLevels(parameter, node, path);
        return node is YamlList list && levels.Length == list.Items.Length && !levels.IsEmpty ? new(levels) : null;
    }

    private (Fields Fields, Condition Condition)? ReadWhen(Field field)
    {
        if (Fields.Read(field.Value, field.Path, known.Written, problems) is not { } fields)
            return null;
        if (field.Value is YamlMap { Entries.IsEmpty: true })
            problems.Error(field.Value.Place, field.Path, "expected a parameter and its value, such as { activation: elu }; found no key");
        var required = fields.All.Select(key => KeyValuePair.Create(key.Name, ReadRequired(known[key.Name], key)));
        return (fields, new(required.Where(values => !values.Value.IsEmpty).ToImmutableSortedDictionary(StringComparer.Ordinal)));
    }

    /// <summary>One value or a list of values; for sizes, a list of lists. Empty if any value is invalid.</summary>
    private ImmutableArray<ParameterValue> ReadRequired(Parameter parameter, Field field)
    {
        if (field.Value is YamlList list && (parameter is not SizesParameter || list.Items.FirstOrDefault() is YamlList))
            return ReadLevels(parameter, list, field.Path)?.Values ?? [];
        return values.Read(parameter, field.Value, field.Path) is { } value ? [value] : [];
    }
}
