using System.CommandLine;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Connecting;
using DeepTrain.Cluster.Client.Rendering;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Client.Verbs;

/// <summary><c>results ID</c>: lists every trial that has an outcome.</summary>
internal static class ResultsVerb
{
    public static Command Create()
    {
        var id = CommonOptions.Sweep();
        var trial = new Option<string?>("--trial")
        {
            Description = "Print the epochs of one trial instead, as json with the gradients of each layer.",
            HelpName = "TRIAL",
        };
        var command = new Command("results", "Print the result of every trial that has ended.") { id, trial };
        command.SetAction((parsed, cancellation) => PrintAsync(
            parsed.GetValue(id)!, parsed.GetValue(trial), SweepLocations.Of(parsed), parsed.GetValue(CommonOptions.Format),
            cancellation));
        return command;
    }

    private static async Task<int> PrintAsync(
        string id, string? trial, SweepLocation location, OutputFormat format, CancellationToken cancellation)
    {
        var reader = location.Reader;
        var selected = SweepSelector.Select(await reader.ListAsync(cancellation), id);
        var (_, sweep, stored) = await StoredSweep.ReadAsync(reader, selected.Id, cancellation);
        if (trial is not null)
        {
            var one = TrialSelector.Select(selected.Id, sweep, trial);
            TrialCurve.Write(format, one, await reader.ReadEpochsAsync(one, cancellation));
            return ExitCode.Done;
        }
        var cells = sweep.Cells.ToDictionary(cell => cell.Id);
        // The sweep may have been extended between the two reads.
        var results = stored.Where(result => cells.ContainsKey(result.Trial.Cell)).ToList();
        var exact = format is OutputFormat.Csv;
        // A table must be narrow enough for a terminal.
        (string, bool)[] more = exact
            ? [
                ("gradientStart", false), ("gradientEnd", false), ("flagsStart", false), ("flagsEnd", false),
                ("failureClass", false), ("failureMessage", false),
            ]
            : [];

        (string Name, bool IsNumber)[] columns =
        [
            ("replicate", true), ("outcome", false), ("objective", true), ("trainLoss", true), ("validationLoss", true),
            ("validationAccuracy", true), ("testAccuracy", true), ("epochs", true), ("seconds", true), ("fence", true), .. more,
        ];
        var factors = FactorColumns.Of(sweep, format, ["trial", .. columns.Select(column => column.Name)]);

        Output.WriteRows(
            format,
            [("trial", false), .. factors.Columns, .. columns],
            [.. results.Select(result => (IReadOnlyList<string>)
            [
                result.Trial.ToString(), .. factors.Values(cells[result.Trial.Cell]), $"{result.Trial.Replicate}",
                Output.Name(result.Outcome), Show(sweep.Objective.Of(result)), Show(result.TrainLoss), Show(result.ValidationLoss),
                Show(result.ValidationAccuracy), Show(result.TestAccuracy), $"{result.Epochs}", Output.Seconds(result.Seconds),
                $"{result.Fence}",
                .. exact ? More(result) : [],
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
                GradientStart = result.AilmentsStart?.Verdict(),
                GradientEnd = result.AilmentsEnd?.Verdict(),
                FlagsStart = result.AilmentsStart?.Flags(),
                FlagsEnd = result.AilmentsEnd?.Flags(),
                result.Failure,
            }));
        factors.TellWhatIsMissing();
        return ExitCode.Done;

        string Show(double? value) => exact ? Output.Exact(value) : Output.Number(value);
    }

    private static string[] More(TrialResult result) =>
    [
        result.AilmentsStart?.Verdict() ?? "", result.AilmentsEnd?.Verdict() ?? "",
        string.Join('+', result.AilmentsStart?.Flags() ?? []), string.Join('+', result.AilmentsEnd?.Flags() ?? []),
        result.Failure?.Class ?? "", result.Failure?.Message ?? "",
    ];
}
