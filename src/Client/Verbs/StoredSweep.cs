using System.Collections.Immutable;
using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Client;

/// <summary>A sweep as the store has it.</summary>
internal sealed record StoredSweep(SweepOverview Overview, Sweep Sweep, ImmutableArray<TrialResult> Results)
{
    /// <exception cref="UserException">The sweep is gone, or its file cannot be read by this version.</exception>
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
