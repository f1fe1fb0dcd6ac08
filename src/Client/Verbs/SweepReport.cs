using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Client;

/// <summary>Writes what <c>run</c> and <c>watch</c> end with, and the exit code that goes with it.</summary>
internal static class SweepReport
{
    public static async Task<int> WriteAsync(
        ISweepReader reader, string sweepId, OutputFormat format, TimeSpan elapsed, CancellationToken cancellation)
    {
        var (overview, sweep, results) = await StoredSweep.ReadAsync(reader, sweepId, cancellation);
        var summary = SweepSummary.Of(sweep, results);
        RunResult.WriteCells(format, sweep, summary, RunResult.Json(overview, summary, elapsed));
        foreach (var failure in results.Where(result => result.Failure is not null).Take(5))
            await Console.Error.WriteLineAsync($"{failure.Trial} failed: {failure.Failure!.Class}: {failure.Failure.Message}");
        return overview.Status is SweepStatus.Cancelled || overview.ByOutcome.GetValueOrDefault(Outcome.Failed) > 0
            ? ExitCode.DoneWithFailures
            : ExitCode.Done;
    }
}
