using System.CommandLine;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Connecting;
using DeepTrain.Cluster.Client.Rendering;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Training.Data;

namespace DeepTrain.Cluster.Client.Verbs;

/// <summary><c>submit FILE</c>: stores a sweep, to be trained by the owner of the data folder.</summary>
internal static class SubmitVerb
{
    public static Command Create()
    {
        var file = CommonOptions.SweepFile();
        var isNew = new Option<bool>("--new") { Description = "Start a new sweep under the next number, whatever is stored." };
        var command = new Command("submit", "Store a sweep for the process that trains in this folder, and print its id.")
        {
            file, isNew,
        };
        command.SetAction((parsed, cancellation) => SubmitAsync(
            parsed.GetValue(file)!, SweepLocations.Of(parsed), parsed.GetValue(isNew),
            CommonOptions.Sources(parsed), parsed.GetValue(CommonOptions.Format), cancellation));
        return command;
    }

    private static async Task<int> SubmitAsync(
        string path, SweepLocation location, bool isNew, DatasetSources sources, OutputFormat format, CancellationToken cancellation)
    {
        var input = await SweepFiles.ReadAsync(path, sources, cancellation);
        await using var connection = await location.OpenAsync(cancellation);
        input.KeepData(location.Folder);
        var submission = await Submitter.SubmitAsync(connection, input.Sweep, isNew, cancellation);
        if (connection.Owner is null && submission.Kind is not SubmissionKind.Ended)
            await Console.Error.WriteLineAsync($"nothing trains in {location.Folder.Root} now: training begins with the next 'deeptrain run'");
        Output.WriteLine(format, submission.SweepId,
            ("sweepId", submission.SweepId), ("addedTrials", submission.AddedTrials), ("removedTrials", submission.RemovedTrials));
        return ExitCode.Done;
    }
}
