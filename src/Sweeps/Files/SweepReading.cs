using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files.Yaml;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Sweeps.Files;

/// <summary>What reading a sweep file gave.</summary>
/// <param name="Sweep">Null exactly when a problem is an error.</param>
/// <param name="Problems">All of them, in the order of the file.</param>
public sealed record SweepReading(Sweep? Sweep, ImmutableArray<SpecProblem> Problems)
{
    /// <summary>How problems name the file.</summary>
    public required string File { get; init; }

    /// <summary>Where the file gives each parameter, by its name.</summary>
    internal ImmutableDictionary<string, Place> Places { get; init; } = ImmutableDictionary<string, Place>.Empty;

    /// <summary>A problem with what the file says of a key, found by whoever knows more than the file; where the key is left out, it stands at the data set.</summary>
    public SpecProblem ProblemWith(string key, string message, bool isWarning = false)
    {
        var place = Places.TryGetValue(key, out var given) ? given : Places.GetValueOrDefault(Parameters.Dataset.Name, Place.Start);
        return new(File, place.Line, place.Column, Parameters.ByName.GetValueOrDefault(key)?.Path ?? key, message, isWarning);
    }
}

