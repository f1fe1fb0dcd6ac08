using System.Text.Json.Nodes;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Client.Rendering;

/// <summary>The output of <c>run</c> for a finished sweep: an object for programs, a table of cells for people.</summary>
internal static class RunResult
{
    public static object Json(SweepOverview overview, SweepSummary summary, TimeSpan elapsed) => new
    {
        SweepId = overview.Id,
        overview.Status,
        Trials = new
        {
            overview.Total,
            Completed = Count(overview, Outcome.Completed),
            Diverged = Count(overview, Outcome.Diverged),
            Stopped = Count(overview, Outcome.Stopped),
            Failed = Count(overview, Outcome.Failed),
            Cancelled = Count(overview, Outcome.Cancelled),
        },
        Best = summary.Best is { } best
            ? new
            {
                Cell = Levels(best.Cell),
                Objective = best.Mean,
                best.Spread,
                best.Replicates,
                Trial = best.Trial?.ToString(),
                best.TestAccuracy,
            }
            : null,
        Seconds = Math.Round(elapsed.TotalSeconds, 3),
    };

    /// <summary>The levels of a cell as JSON: an object with the level of each factor.</summary>
    public static JsonObject Levels(Cell cell) =>
        new(cell.Levels.Select(level => KeyValuePair.Create(level.Factor, JsonNode.Parse(level.Value.Json))));

    public static void WriteCells(OutputFormat format, Sweep sweep, SweepSummary summary, object json)
    {
        (string Name, bool IsNumber)[] numbers =
            [("mean", true), ("spread", true), ("n", true), ("diverged", true), ("failed", true), ("testAccuracy", true)];
        var factors = FactorColumns.Of(sweep, format, ["cell", .. numbers.Select(column => column.Name)]);
        (string, bool)[] cells = factors.TellsAll ? [] : [("cell", false)];
        var exact = format is OutputFormat.Csv;
        var rows = summary.Cells.Select(cell => (IReadOnlyList<string>)
        [
            .. factors.TellsAll ? [] : (string[])[cell.Cell.Id], .. factors.Values(cell.Cell),
            Show(cell.Mean), Show(cell.Spread), $"{cell.Replicates}", $"{cell.Diverged}", $"{cell.Failed}", Show(cell.TestAccuracy),
        ]).ToList();
        Output.WriteRows(format, [.. cells, .. factors.Columns, .. numbers], rows, json);
        factors.TellWhatIsMissing();

        string Show(double? value) => exact ? Output.Exact(value) : Output.Number(value);
    }

    private static int Count(SweepOverview overview, Outcome outcome) => overview.ByOutcome.GetValueOrDefault(outcome);
}
