using System.CommandLine;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Connecting;
using DeepTrain.Cluster.Client.Following;
using DeepTrain.Cluster.Grains.Store;

namespace DeepTrain.Cluster.Client.Verbs;

/// <summary><c>watch ID</c>: follows a sweep that another process trains, then prints its cells.</summary>
internal static class WatchVerb
{
    public static Command Create()
    {
        var id = CommonOptions.Sweep();
        var command = new Command("watch", "Follow a sweep that is being trained, then print its cells.") { id };
        command.SetAction((parsed, cancellation) =>
            WatchAsync(parsed.GetValue(id)!, SweepLocations.Of(parsed), parsed.GetValue(CommonOptions.Format), cancellation));
        return command;
    }

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private static async Task<int> WatchAsync(string id, SweepLocation location, OutputFormat format, CancellationToken cancellation)
    {
        var time = TimeProvider.System;
        var began = time.GetTimestamp();
        var reader = location.Reader;
        var sweep = SweepSelector.Select(await reader.ListAsync(cancellation), id);
        var display = ProgressDisplay.OnStandardError(time);
        while (sweep.Status is SweepStatus.Running or SweepStatus.Paused)
        {
            await using var connection = await location.TryAttachAsync(cancellation);
            if (connection is not null && await new Follower(connection, time).FollowAsync(sweep.Id, display, cancellation) is not null)
                break;
            // The owner may have exited because the sweep ended.
            sweep = await reader.FindAsync(sweep.Id, cancellation) ?? throw new UserException(ExitCode.NotFound, $"{sweep.Id} was deleted.");
            if (connection is null && sweep.Status is SweepStatus.Running)
                throw new UserException(ExitCode.NotFound,
                    $"nothing trains {sweep.Id} now ({sweep.ByOutcome.Values.Sum()} of {sweep.Total} trials ended). "
                    + "Resume it by running its file.");
            if (connection is null || sweep.Status is not (SweepStatus.Running or SweepStatus.Paused))
                break;
            // In a cluster, a coordinator on another silo takes over.
            await Console.Error.WriteLineAsync($"{connection.Owner}, which trains {sweep.Id}, does not answer: trying again");
            await Task.Delay(Pause, time, cancellation);
        }
        return await SweepReport.WriteAsync(location, sweep.Id, format, time.GetElapsedTime(began), cancellation);
    }
}
