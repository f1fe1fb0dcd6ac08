using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;

namespace DeepTrain.Cluster.Sweeps.Spec;

/// <summary>A parameter that varies.</summary>
/// <param name="Parameter">The parameter.</param>
/// <param name="Domain">The values that it may take.</param>
/// <param name="When">The condition under which the factor applies; null where it always applies. Other cells have no level of it.</param>
public sealed record Factor(Parameter Parameter, Domain Domain, Condition? When)
{
    public string Name => Parameter.Name;
}

/// <summary>Is true where each named parameter is in effect and has one of its listed values.</summary>
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

    /// <summary>Any number in [Low, High], with a uniformly distributed logarithm. Low is above 0.</summary>
    public sealed record LogUniform(double Low, double High) : Domain;

    /// <summary>Any whole number in [Low, High].</summary>
    public sealed record Integers(int Low, int High) : Domain;

    /// <summary>The number of values; null where the domain is continuous.</summary>
    public long? Size => this switch
    {
        Levels levels => levels.Values.Length,
        Integers integers => (long)integers.High - integers.Low + 1,
        _ => null,
    };
}
