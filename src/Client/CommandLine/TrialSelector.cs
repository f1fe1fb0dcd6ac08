using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Client.CommandLine;

/// <summary>Finds the trial that the user names.</summary>
internal static class TrialSelector
{
    /// <summary>Splits SWEEP/CELL/rR into the parts that name the sweep and the trial. Without a slash, the trial is null.</summary>
    public static (string Sweep, string? Trial) Split(string text) =>
        text.IndexOf('/', StringComparison.Ordinal) is var slash and >= 0 ? (text[..slash], text[(slash + 1)..]) : (text, null);

    /// <param name="text">CELL/rR or its unique beginning, optionally after the sweep's id. Empty text names no trial.</param>
    /// <exception cref="UserException">The text matches no trial, or several.</exception>
    public static TrialId Select(string sweepId, Sweep sweep, string text)
    {
        var wanted = text.StartsWith($"{sweepId}/", StringComparison.Ordinal) ? text : $"{sweepId}/{text}";
        var candidates = sweep.Cells
            .SelectMany(cell => Enumerable.Range(1, sweep.Replicates).Select(replicate => new TrialId(sweepId, cell.Id, replicate)))
            .Where(trial => text.Length > 0 && $"{trial}".StartsWith(wanted, StringComparison.Ordinal))
            .ToList();
        // An exact match takes precedence, because r1 is also the beginning of r10.
        return candidates.Find(trial => $"{trial}" == wanted) is { Replicate: > 0 } exact ? exact : candidates.Count switch
        {
            1 => candidates[0],
            0 => throw new UserException(ExitCode.NotFound, $"no trial '{text}' in {sweepId}. See: deeptrain results {sweepId}"),
            _ => throw new UserException(ExitCode.NotFound,
                $"'{text}' may be any of {string.Join(", ", candidates.Take(10))}: write more of it."),
        };
    }
}
