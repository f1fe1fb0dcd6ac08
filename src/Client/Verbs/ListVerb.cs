using System.CommandLine;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Connecting;
using DeepTrain.Cluster.Client.Rendering;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Client.Verbs;

/// <summary><c>list</c>: lists the sweeps of a data folder.</summary>
internal static class ListVerb
{
    public static Command Create()
    {
        var command = new Command("list", "List the sweeps, the newest first.");
        command.SetAction(async (parsed, cancellation) =>
        {
            var sweeps = await SweepLocations.Of(parsed).Reader.ListAsync(cancellation);
            Output.WriteRows(
                parsed.GetValue(CommonOptions.Format),
                [("sweep", false), ("status", false), ("trials", true), ("ended", true), ("failed", true), ("created", false)],
                [.. sweeps.Select(sweep => new[]
                {
                    sweep.Id, Output.Name(sweep.Status), $"{sweep.Total}", $"{sweep.ByOutcome.Values.Sum()}",
                    $"{sweep.ByOutcome.GetValueOrDefault(Outcome.Failed)}", sweep.Created.ToString("u"),
                })],
                sweeps.Select(OverviewJson.Of));
            return ExitCode.Done;
        });
        return command;
    }
}
