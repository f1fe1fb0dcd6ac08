using System.CommandLine;
using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Silo;

namespace DeepTrain.Cluster.Client;

/// <summary><c>watch ID</c>: follow a sweep that another process trains, then print its cells.</summary>
internal static class WatchVerb
{
    public static Command Create()
    {
        var id = CommonOptions.Sweep();
        var data = CommonOptions.Data();
        var format = CommonOptions.Format();
        var command = new Command("watch", "Follow a sweep that is being trained, then print its cells.") { id, data, format };
        command.SetAction((parsed, cancellation) =>
            WatchAsync(parsed.GetValue(id)!, new(parsed.GetValue(data)!), parsed.GetValue(format), cancellation));
        return command;
    }

    private static async Task<int> WatchAsync(string id, DataFolder folder, OutputFormat format, CancellationToken cancellation)
    {
        var time = TimeProvider.System;
        var began = time.GetTimestamp();
        var reader = new SqliteSweepReader(folder.Database);
        var sweep = SweepSelector.Select(await reader.ListAsync(cancellation), id);
        if (sweep.Status is SweepStatus.Running)
        {
            await using var connection = await SweepConnection.TryAttachAsync(folder, cancellation)
                ?? throw new UserException(ExitCode.NotFound,
                    $"nothing trains {sweep.Id} now ({sweep.ByOutcome.Values.Sum()} of {sweep.Total} trials ended). "
                    + "Resume it by running its file.");
            var display = ProgressDisplay.OnStandardError(time);
            if (await new Follower(connection, time).FollowAsync(sweep.Id, display, cancellation) is null)
                throw new UserException(ExitCode.NotFound,
                    $"the process that trained {sweep.Id} has gone. Resume it by running its file.");
        }
        return await SweepReport.WriteAsync(reader, sweep.Id, format, time.GetElapsedTime(began), cancellation);
    }
}
