using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;

namespace DeepTrain.Cluster.Sweeps.Files;

/// <summary>The parameters that a file can use: those of the table, and those that it declares for its command.</summary>
internal sealed class KnownParameters(ImmutableArray<Parameter> free)
{
    private readonly ImmutableDictionary<string, Parameter> _byName =
        Parameters.ByName.AddRange(free.Select(parameter => KeyValuePair.Create(parameter.Name, parameter)));

    /// <summary>The names of the parameters that can be factors.</summary>
    public ImmutableArray<string> Varying { get; } = [.. SweepKeys.Varying, .. free.Select(parameter => parameter.Name)];

    /// <summary>The names of the parameters that the file can give.</summary>
    public ImmutableArray<string> Written { get; } = [.. Parameters.Written.Concat(free).Select(parameter => parameter.Name).Order()];

    public Parameter this[string name] => _byName[name];
}
