using System.CommandLine;
using DeepTrain.Cluster.Silo;

namespace DeepTrain.Cluster.Client;

/// <summary><c>results ID</c>: every trial that has an outcome.</summary>
internal static class ResultsVerb
{
    public static Command Create()
    {
        var id = CommonOptions.Sweep();
        var command = new Command("results", "Print the result of every trial that has ended.") { id };
        command.SetAction((parsed, cancellation) =>
            PrintAsync(parsed.GetValue(id)!, new(parsed.GetValue(CommonOptions.Data)!), parsed.GetValue(CommonOptions.Format), cancellation));
        return command;
    }

    private static async Task<int> PrintAsync(string id, DataFolder folder, OutputFormat format, CancellationToken cancellation)
    {
        var reader = new SqliteSweepReader(folder.Database);
        var selected = SweepSelector.Select(await reader.ListAsync(cancellation), id);
        var (_, sweep, stored) = await StoredSweep.ReadAsync(reader, selected.Id, cancellation);
        var cells = sweep.Cells.ToDictionary(cell => cell.Id);
        // The file may have been extended between the two reads.
        var results = stored.Where(result => cells.ContainsKey(result.Trial.Cell)).ToList();
        var factors = sweep.Factors.Select(factor => factor.Name).ToList();
        var exact = format is OutputFormat.Csv;

        Output.WriteRows(
            format,
            [
                ("trial", false), .. factors.Select(factor => (factor, false)), ("replicate", true), ("outcome", false),
                ("objective", true), ("trainLoss", true), ("validationLoss", true), ("validationAccuracy", true),
                ("testAccuracy", true), ("epochs", true), ("seconds", true), ("fence", true),
            ],
            [.. results.Select(result => (IReadOnlyList<string>)
            [
                result.Trial.ToString(), .. RunResult.Values(cells[result.Trial.Cell], factors), $"{result.Trial.Replicate}",
                Output.Name(result.Outcome), Show(sweep.Objective.Of(result)), Show(result.TrainLoss), Show(result.ValidationLoss),
                Show(result.ValidationAccuracy), Show(result.TestAccuracy), $"{result.Epochs}", Output.Number(result.Seconds, "0.000"),
                $"{result.Fence}",
            ])],
            results.Select(result => new
            {
                Trial = result.Trial.ToString(),
                Cell = RunResult.Levels(cells[result.Trial.Cell]),
                result.Trial.Replicate,
                result.Outcome,
                Objective = sweep.Objective.Of(result),
                result.TrainLoss,
                result.ValidationLoss,
                result.ValidationAccuracy,
                result.TestAccuracy,
                result.Epochs,
                result.Seconds,
                result.Fence,
            }));
        return ExitCode.Done;

        string Show(double? value) => exact ? Output.Exact(value) : Output.Number(value);
    }
}
