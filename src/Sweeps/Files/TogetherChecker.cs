using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files.Yaml;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Sweeps.Files;

/// <summary>Checks that depend on several keys.</summary>
internal sealed class TogetherChecker(TrainerField trainer, KnownParameters known, Problems problems)
{
    /// <summary>The largest fraction of the rows that validation and test may use together.</summary>
    private const double MostHeldOut = 0.95;

    public void Check(Fields file, ImmutableArray<GivenValue> given, SearchField search, ImmutableArray<FactorField> factors)
    {
        var fixedFields = given.ToDictionary(value => value.Parameter.Name);
        foreach (var field in factors.Select(factor => factor.Field).Concat(search.Entries.SelectMany(entry => entry.Values).Select(value => value.Field)))
        {
            if (fixedFields.TryGetValue(field.Name, out var value))
                problems.Error(field.Place, field.Path, $"it varies here and is fixed as {value.Field.Path} on line {value.Field.Place.Line}; keep one");
        }

        if (search.Search is SearchMethod.List && file["space"] is { } space)
            problems.Error(space.Place, space.Path, "with search method list the configurations are the space; remove one of the two");
        if (search.Search is SearchMethod.Random && factors.IsEmpty && (file["space"] is null || file["space"]!.Value is YamlMap { Entries.IsEmpty: true }))
            problems.Error(search.Place, "search", "random draws need a space to draw from; add space:");

        var layerFields = given.Select(value => value.Field).Concat(factors.Select(factor => factor.Field)).ToList();
        if (search.Search is SearchMethod.List)
        {
            foreach (var entry in search.Entries)
                CheckLayers([.. layerFields, .. entry.Values.Select(value => value.Field)], entry.Place, entry.Path);
        }
        else
        {
            CheckLayers(layerFields, file["network"]?.Place ?? file.Place, "network");
        }

        if (Fraction(Parameters.ValidationFraction) + Fraction(Parameters.TestFraction) > MostHeldOut
            && (fixedFields.GetValueOrDefault(Parameters.ValidationFraction.Name) ?? fixedFields.GetValueOrDefault(Parameters.TestFraction.Name)) is { } part)
            problems.Error(part.Field.Value.Place, part.Field.Path, "validationFraction and testFraction together must leave at least 0.05 of the rows for training");
        new WhenChecker(known, problems).Check(given, factors);

        // The official test rows of a data set are not split off from the other rows.
        double Fraction(NumberParameter parameter) => parameter.AppliesWhen is { } applies && !IsOf(fixedFields.GetValueOrDefault(applies.Of.Name), applies) ? 0 : fixedFields.TryGetValue(parameter.Name, out var value)
            ? value.Value?.AsNumber() ?? 0
            : parameter.Default!.AsNumber();
    }

    private static bool IsOf(GivenValue? value, Applicability applies) =>
        value?.Value is not { } given || applies.Values.Contains(given.ToString());

    private void CheckLayers(IReadOnlyList<Field> fields, Place otherwise, string path)
    {
        var (hidden, depth, width) = (Find(Parameters.Hidden), Find(Parameters.Depth), Find(Parameters.Width));
        if (hidden is not null && (depth ?? width) is { } other)
            problems.Error(other.Place, other.Path, $"hidden gives the layers already, on line {hidden.Place.Line}; write either hidden, or depth and width");
        else if (hidden is null && (depth is null) != (width is null))
            problems.Error((depth ?? width)!.Place, (depth ?? width)!.Path, $"{(depth is null ? "width needs depth" : "depth needs width")} beside it");
        else if (hidden is null && depth is null && trainer.IsFused)
            problems.Error(otherwise, Fields.Join(path, Parameters.Hidden.Name), $"the layers are missing; expected {Parameters.Hidden.Expected}, or depth and width");

        Field? Find(Parameter parameter) => fields.FirstOrDefault(field => field.Name == parameter.Name);
    }
}
