using System.Collections.Immutable;
using DeepTrain.Cluster.Grains;

namespace DeepTrain.Cluster.Client;

/// <summary>Finds the sweep that a person means.</summary>
internal static class SweepSelector
{
    /// <param name="sweeps">All there are, the newest first.</param>
    /// <param name="text">An id, a name (its latest) or the unique beginning of an id.</param>
    /// <exception cref="UserException">None, or more than one, is meant.</exception>
    public static SweepOverview Select(ImmutableArray<SweepOverview> sweeps, string text)
    {
        if (sweeps.FirstOrDefault(sweep => sweep.Id == text) is { } exact)
            return exact;
        if (sweeps.Where(sweep => sweep.Name == text).MaxBy(sweep => sweep.Number) is { } latest)
            return latest;
        var candidates = sweeps.Where(sweep => sweep.Id.StartsWith(text, StringComparison.Ordinal)).ToList();
        return candidates.Count switch
        {
            1 => candidates[0],
            0 => throw new UserException(ExitCode.NotFound, sweeps.IsEmpty
                ? $"no sweep '{text}': none is stored here. --data names another folder, --cluster the cluster."
                : $"no sweep '{text}'. There are: {string.Join(", ", sweeps.Select(sweep => sweep.Id).Take(10))}."),
            _ => throw new UserException(ExitCode.NotFound,
                $"'{text}' may be any of {string.Join(", ", candidates.Select(sweep => sweep.Id).Take(10))}: write more of it."),
        };
    }
}
