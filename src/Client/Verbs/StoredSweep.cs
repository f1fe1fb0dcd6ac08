using System.Collections.Immutable;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Client.Verbs;

/// <summary>A sweep and its results as stored.</summary>
internal sealed record StoredSweep(SweepOverview Overview, Sweep Sweep, ImmutableArray<TrialResult> Results)
{
    /// <exception cref="UserException">The sweep was deleted, or this version cannot read its file.</exception>
    public static async Task<StoredSweep> ReadAsync(ISweepReader reader, string sweepId, CancellationToken cancellation)
    {
        if (await reader.FindAsync(sweepId, cancellation) is not { } overview
            || await reader.ReadTextAsync(sweepId, cancellation) is not { } text)
            throw new UserException(ExitCode.NotFound, $"no sweep '{sweepId}' is stored.");
        var reading = SweepFile.Parse(text, sweepId);
        return reading.Sweep is { } sweep
            ? new(overview, sweep, await reader.ReadResultsAsync(sweepId, cancellation))
            : throw new UserException(ExitCode.BadInput,
                $"the stored file of {sweepId} is not one that this version can read: {reading.Problems[0]}");
    }
}
