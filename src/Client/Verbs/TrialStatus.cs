using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Connecting;
using DeepTrain.Cluster.Client.Rendering;
using DeepTrain.Cluster.Grains.Trials;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Client.Verbs;

/// <summary><c>status ID --trial TRIAL</c>: shows the state of a trial: from its slot during training, otherwise from the store.</summary>
internal static class TrialStatus
{
    public static async Task WriteAsync(SweepLocation location, string sweepId, string text, OutputFormat format, CancellationToken cancellation)
    {
        var (_, sweep, results) = await StoredSweep.ReadAsync(location.Reader, sweepId, cancellation);
        var trial = TrialSelector.Select(sweepId, sweep, text);
        var result = results.FirstOrDefault(result => result.Trial == trial);
        var view = result is null ? await InspectAsync(location, trial, cancellation) : null;
        var state = result is not null ? Output.Name(result.Outcome) : view?.Ticket is null ? "waiting" : Output.Name(view.State);
        var last = view?.LastReport is { } report
            ? new EpochResult(report.Epoch, view.Ticket!.Fence, Finite(report.TrainLoss), Finite(report.ValidationLoss),
                Finite(report.ValidationAccuracy), report.Seconds, report.Health)
            : (await location.Reader.ReadEpochsAsync(trial, cancellation)).LastOrDefault();
        Output.WriteRows(
            format,
            [
                ("trial", false), ("state", false), ("epoch", true), ("trainLoss", true), ("validationLoss", true), ("validationAccuracy", true),
                ("attempt", true), ("silo", false), ("slot", true), ("stopRequested", false),
            ],
            [[
                $"{trial}", state, $"{last?.Epoch}", Show(last?.TrainLoss), Show(last?.ValidationLoss), Show(last?.ValidationAccuracy),
                $"{view?.Ticket?.Attempt}", view?.Ticket?.Slot.Silo ?? "", $"{view?.Ticket?.Slot.Number}", view is { StopRequested: true } ? "yes" : "no",
            ]],
            new
            {
                Trial = $"{trial}",
                State = state,
                last?.Epoch,
                last?.TrainLoss,
                last?.ValidationLoss,
                last?.ValidationAccuracy,
                view?.Ticket?.Attempt,
                view?.Ticket?.Slot.Silo,
                Slot = view?.Ticket?.Slot.Number,
                StopRequested = view is { StopRequested: true },
            });

        string Show(double? value) => format is OutputFormat.Csv ? Output.Exact(value) : Output.Number(value);
    }

    /// <summary>Asks the process that trains there; null where there is none, or it does not respond.</summary>
    private static async Task<TrialView?> InspectAsync(SweepLocation location, TrialId trial, CancellationToken cancellation)
    {
        await using var connection = await location.TryAttachAsync(cancellation);
        try
        {
            return connection is null ? null : await connection.Grains.Trial(trial).Inspect();
        }
        catch (Exception error) when (SweepConnection.IsSilence(error))
        {
            return null;
        }
    }

    private static double? Finite(double number) => double.IsFinite(number) ? number : null;
}
