using System.CommandLine;
using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Client;

/// <summary><c>status ID</c>: how one sweep stands, by the store.</summary>
internal static class StatusVerb
{
    public static Command Create()
    {
        var id = CommonOptions.Sweep();
        var command = new Command("status", "Show how a sweep stands.") { id };
        command.SetAction(async (parsed, cancellation) =>
        {
            var reader = CommonOptions.Place(parsed).Reader;
            var sweep = SweepSelector.Select(await reader.ListAsync(cancellation), parsed.GetValue(id)!);
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
