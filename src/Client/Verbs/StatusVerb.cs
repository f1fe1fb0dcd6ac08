using System.CommandLine;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Connecting;
using DeepTrain.Cluster.Client.Rendering;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Client.Verbs;

/// <summary><c>status ID</c>: shows the state of a sweep from the store, or, with <c>--trial</c>, of one of its trials.</summary>
internal static class StatusVerb
{
    public static Command Create()
    {
        var id = CommonOptions.Sweep();
        var trial = new Option<string?>("--trial") { Description = "Show how one trial stands instead; while it is trained, its last epoch.", HelpName = "TRIAL" };
        var command = new Command("status", "Show how a sweep stands.") { id, trial };
        command.SetAction(async (parsed, cancellation) =>
        {
            var location = SweepLocations.Of(parsed);
            var sweep = SweepSelector.Select(await location.Reader.ListAsync(cancellation), parsed.GetValue(id)!);
            if (parsed.GetValue(trial) is { } one)
            {
                await TrialStatus.WriteAsync(location, sweep.Id, one, parsed.GetValue(CommonOptions.Format), cancellation);
                return ExitCode.Done;
            }
            Output.WriteRows(
                parsed.GetValue(CommonOptions.Format),
                [("sweep", false), ("status", false), ("trials", true), ("waiting", true), ("running", true),
                    .. Enum.GetValues<Outcome>().Select(outcome => (Output.Name(outcome), true))],
                [[sweep.Id, Output.Name(sweep.Status), $"{sweep.Total}", $"{sweep.Waiting}", $"{sweep.Leased}",
                    .. Enum.GetValues<Outcome>().Select(outcome => $"{sweep.ByOutcome.GetValueOrDefault(outcome)}")]],
                OverviewJson.Of(sweep));
            return ExitCode.Done;
        });
        return command;
    }
}
