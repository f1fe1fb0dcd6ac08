using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Connecting;
using DeepTrain.Cluster.Client.Rendering;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Client.Verbs;

/// <summary>Writes the final output of <c>run</c> and <c>watch</c>, and gives the exit code.</summary>
internal static class SweepReport
{
    private const int FailuresShown = 5;
    private const int LogLinesShown = 3;

    public static async Task<int> WriteAsync(
        SweepLocation location, string sweepId, OutputFormat format, TimeSpan elapsed, CancellationToken cancellation)
    {
        var (overview, sweep, results) = await StoredSweep.ReadAsync(location.Reader, sweepId, cancellation);
        var summary = SweepSummary.Of(sweep, results);
        RunResult.WriteCells(format, sweep, summary, RunResult.Json(overview, summary, elapsed));
        var failed = results.Where(result => result.Failure is not null).ToList();
        foreach (var result in failed.Take(FailuresShown))
        {
            await Console.Error.WriteLineAsync($"{result.Trial} failed: {result.Failure!.Class}: {result.Failure.Message}");
            foreach (var line in (result.Failure.Log ?? "").TrimEnd().Split('\n').Where(line => line.Length > 0).TakeLast(LogLinesShown))
                await Console.Error.WriteLineAsync($"    {line}");
        }
        if (failed.Count > FailuresShown)
            await Console.Error.WriteLineAsync($"... and {failed.Count - FailuresShown} more failed");
        var cancelled = overview.ByOutcome.GetValueOrDefault(Outcome.Cancelled);
        if (cancelled > 0)
            await Console.Error.WriteLineAsync(
                $"{cancelled} of {overview.Total} trials were cancelled and have no result. To let them be trained: deeptrain retry {sweepId}{location.Option}");
        return overview.Status is SweepStatus.Cancelled || cancelled > 0 || overview.ByOutcome.GetValueOrDefault(Outcome.Failed) > 0
            ? ExitCode.DoneWithFailures
            : ExitCode.Done;
    }
}
