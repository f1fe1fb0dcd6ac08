using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Client.CommandLine;

/// <summary>Finds the trial that a person means.</summary>
internal static class TrialSelector
{
    /// <summary>What names the sweep in SWEEP/CELL/rR, and what names the trial in it; null: the text names the sweep only.</summary>
    public static (string Sweep, string? Trial) Split(string text) =>
        text.IndexOf('/', StringComparison.Ordinal) is var slash and >= 0 ? (text[..slash], text[(slash + 1)..]) : (text, null);

    /// <param name="text">CELL/rR, or its unique beginning; the sweep's id may stand before it. Empty text names no trial.</param>
    /// <exception cref="UserException">None, or more than one, is meant.</exception>
    public static TrialId Select(string sweepId, Sweep sweep, string text)
    {
        var wanted = text.StartsWith($"{sweepId}/", StringComparison.Ordinal) ? text : $"{sweepId}/{text}";
        var candidates = sweep.Cells
            .SelectMany(cell => Enumerable.Range(1, sweep.Replicates).Select(replicate => new TrialId(sweepId, cell.Id, replicate)))
            .Where(trial => text.Length > 0 && $"{trial}".StartsWith(wanted, StringComparison.Ordinal))
            .ToList();
        // The first replicate is how the tenth begins.
        return candidates.Find(trial => $"{trial}" == wanted) is { Replicate: > 0 } exact ? exact : candidates.Count switch
        {
            1 => candidates[0],
            0 => throw new UserException(ExitCode.NotFound, $"no trial '{text}' in {sweepId}. See: deeptrain results {sweepId}"),
            _ => throw new UserException(ExitCode.NotFound,
                $"'{text}' may be any of {string.Join(", ", candidates.Take(10))}: write more of it."),
        };
    }
}
