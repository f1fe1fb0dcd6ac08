using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files.Yaml;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Sweeps.Files;

/// <summary>A parameter and its value in the file.</summary>
/// <param name="Value">Null where it is invalid.</param>
internal sealed record GivenValue(Parameter Parameter, Field Field, ParameterValue? Value);

/// <summary>One of the configurations of a list search.</summary>
internal sealed record ListEntry(Place Place, string Path, ImmutableArray<GivenValue> Values);

/// <summary>The search as the file gives it.</summary>
/// <param name="Search">Null where it is invalid.</param>
/// <param name="Entries">The configurations of a list search.</param>
internal sealed record SearchField(SearchMethod? Search, Place Place, ImmutableArray<ListEntry> Entries);

/// <summary>Reads <c>search</c>.</summary>
internal sealed class SearchReader(ValueReader values, KnownParameters known, Problems problems)
{
    public SearchField Read(Field? field)
    {
        if (field is null)
            return new(new SearchMethod.Grid(), Place.Start, []);
        var broken = new SearchField(null, field.Place, []);
        string[] keys = [SweepKeys.Method.Name, .. SweepKeys.MethodKeys.SelectMany(method => method.Value)];
        if (Fields.Read(field.Value, field.Path, keys, problems) is not { } fields)
            return broken;
        if (fields[SweepKeys.Method.Name] is not { } methodField)
        {
            problems.Error(fields.Place, Fields.Join(field.Path, SweepKeys.Method.Name), $"the key is missing; expected {SweepKeys.Method.Expected}");
            return broken;
        }

        if (values.Read(SweepKeys.Method, methodField.Value, methodField.Path)?.AsText() is not { } method)
            return broken;
        foreach (var stray in fields.All.Where(key => key != methodField && !SweepKeys.MethodKeys[method].Contains(key.Name)))
        {
            var owner = SweepKeys.MethodKeys.First(other => other.Value.Contains(stray.Name)).Key;
            problems.Error(stray.Place, stray.Path, $"method {method} takes no {stray.Name}; it belongs to method {owner}");
        }

        return method switch
        {
            "grid" => new(new SearchMethod.Grid(), field.Place, []),
            "list" => new(new SearchMethod.List(), field.Place, ReadEntries(fields)),
            _ => new(ReadRandom(fields), field.Place, []),
        };
    }

    private SearchMethod.Random? ReadRandom(Fields fields)
    {
        var trials = ReadInteger(SweepKeys.Trials, fields);
        var seed = ReadInteger(SweepKeys.Seed, fields);
        return trials is null || seed is null ? null : new(trials.Value, seed.Value);
    }

    private int? ReadInteger(IntegerParameter key, Fields fields)
    {
        if (fields[key.Name] is { } field)
            return values.Read(key, field.Value, field.Path)?.AsInteger();
        if (key.Default is null)
            problems.Error(fields.Place, Fields.Join(fields.Path, key.Name), $"the key is missing; expected {key.Expected}");
        return key.Default?.AsInteger();
    }

    private ImmutableArray<ListEntry> ReadEntries(Fields fields)
    {
        var field = fields[SweepKeys.Configurations];
        if (field?.Value is YamlList { Items: { IsEmpty: false } items })
            return [.. items.Select((item, i) => ReadEntry(item, ValueReader.At(field.Path, i)))];
        problems.Error(field?.Value.Place ?? fields.Place, Fields.Join(fields.Path, SweepKeys.Configurations),
            $"expected a list of configurations such as [{{ activation: relu }}, {{ activation: elu }}], found {(
                field is null ? "no such key" : field.Value is YamlList ? "an empty list" : field.Value.Described)}");
        return [];
    }

    private ListEntry ReadEntry(YamlNode node, string path) => new(node.Place, path,
    [
        .. (Fields.Read(node, path, known.Varying, problems)?.All ?? [])
            .Select(field => (Field: field, Parameter: known[field.Name]))
            .Select(value => new GivenValue(value.Parameter, value.Field, values.Read(value.Parameter, value.Field.Value, value.Field.Path))),
    ]);
}
