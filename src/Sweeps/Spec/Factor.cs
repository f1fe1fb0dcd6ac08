using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;

namespace DeepTrain.Cluster.Sweeps.Spec;

/// <summary>A parameter that varies.</summary>
/// <param name="Parameter">Which one.</param>
/// <param name="Domain">What values it may take.</param>
/// <param name="When">Null, or where it applies; elsewhere its cells carry no level of it.</param>
public sealed record Factor(Parameter Parameter, Domain Domain, Condition? When)
{
    public string Name => Parameter.Name;
}

/// <summary>Holds where each named parameter is in effect with one of its values.</summary>
public sealed record Condition(ImmutableSortedDictionary<string, ImmutableArray<ParameterValue>> Values)
{
    public bool Holds(IReadOnlyDictionary<string, ParameterValue> values) => Values.All(required =>
        values.TryGetValue(required.Key, out var value)
        && (!Parameters.ByName.TryGetValue(required.Key, out var parameter) || Configuration.Applies(parameter, values))
        && required.Value.Contains(value));
}

/// <summary>The values that a factor may take.</summary>
public abstract record Domain
{
    /// <summary>The levels as the file lists them.</summary>
    public sealed record Levels(ImmutableArray<ParameterValue> Values) : Domain;

    /// <summary>Any number in [Low, High].</summary>
    public sealed record Uniform(double Low, double High) : Domain;

    /// <summary>Any number in [Low, High], its logarithm uniform; Low above 0.</summary>
    public sealed record LogUniform(double Low, double High) : Domain;

    /// <summary>Any whole number in [Low, High].</summary>
    public sealed record Integers(int Low, int High) : Domain;

    /// <summary>How many values there are; null where they form a continuum.</summary>
    public long? Size => this switch
    {
        Levels levels => levels.Values.Length,
        Integers integers => (long)integers.High - integers.Low + 1,
        _ => null,
    };
}
