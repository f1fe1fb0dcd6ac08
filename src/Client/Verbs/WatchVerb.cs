using System.CommandLine;
using DeepTrain.Cluster.Grains;

namespace DeepTrain.Cluster.Client;

/// <summary><c>watch ID</c>: follow a sweep that another process trains, then print its cells.</summary>
internal static class WatchVerb
{
    public static Command Create()
    {
        var id = CommonOptions.Sweep();
        var command = new Command("watch", "Follow a sweep that is being trained, then print its cells.") { id };
        command.SetAction((parsed, cancellation) =>
            WatchAsync(parsed.GetValue(id)!, CommonOptions.Place(parsed), parsed.GetValue(CommonOptions.Format), cancellation));
        return command;
    }

    private static async Task<int> WatchAsync(string id, Place place, OutputFormat format, CancellationToken cancellation)
    {
        var time = TimeProvider.System;
        var began = time.GetTimestamp();
        var reader = place.Reader;
        var sweep = SweepSelector.Select(await reader.ListAsync(cancellation), id);
        if (sweep.Status is SweepStatus.Running or SweepStatus.Paused)
        {
            await using var connection = await place.TryAttachAsync(cancellation);
            if (connection is not null)
                await new Follower(connection, time).FollowAsync(sweep.Id, ProgressDisplay.OnStandardError(time), cancellation);
            // Its owner may have ended because the sweep had.
            if (await reader.FindAsync(sweep.Id, cancellation) is { Status: SweepStatus.Running } open)
                throw new UserException(ExitCode.NotFound,
                    $"nothing trains {open.Id} now ({open.ByOutcome.Values.Sum()} of {open.Total} trials ended). "
                    + "Resume it by running its file.");
        }
        return await SweepReport.WriteAsync(reader, sweep.Id, format, time.GetElapsedTime(began), cancellation);
    }
}
