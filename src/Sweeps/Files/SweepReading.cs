using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files.Yaml;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Sweeps.Files;

/// <summary>The result of reading a sweep file.</summary>
/// <param name="Sweep">Null exactly when a problem is an error.</param>
/// <param name="Problems">All problems, in the order of the file.</param>
public sealed record SweepReading(Sweep? Sweep, ImmutableArray<SpecProblem> Problems)
{
    /// <summary>The name of the file in problems.</summary>
    public required string File { get; init; }

    /// <summary>The position of each parameter in the file, by name.</summary>
    internal ImmutableDictionary<string, Place> Places { get; init; } = ImmutableDictionary<string, Place>.Empty;

    /// <summary>
    /// A problem with a key that only a check outside the file can find. Where the file lacks the key, it is reported at the data set.
    /// </summary>
    public SpecProblem ProblemWith(string key, string message, bool isWarning = false)
    {
        var place = Places.TryGetValue(key, out var given) ? given : Places.GetValueOrDefault(Parameters.Dataset.Name, Place.Start);
        return new(File, place.Line, place.Column, Parameters.ByName.GetValueOrDefault(key)?.Path ?? key, message, isWarning);
    }
}

