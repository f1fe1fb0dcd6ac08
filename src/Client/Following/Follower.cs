using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Connecting;
using DeepTrain.Cluster.Grains.Monitoring;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Sweeps;

namespace DeepTrain.Cluster.Client.Following;

/// <summary>Follows a sweep to its end and displays its progress.</summary>
internal sealed class Follower(SweepConnection connection, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    /// <returns>The progress of the finished or cancelled sweep; null where the connection was lost.</returns>
    /// <exception cref="UserException">The sweep was deleted, or the silo of this process failed.</exception>
    public async Task<SweepProgress?> FollowAsync(string sweepId, ProgressDisplay display, CancellationToken cancellation)
    {
        var sweep = connection.Grains.Sweep(sweepId);
        var pace = new Pace(time);
        SweepProgress? last = null;
        await display.ShowAsync(async show =>
        {
            while (true)
            {
                if (connection.Ended.IsCancellationRequested)
                    throw new UserException(ExitCode.NotFound, "the silo has stopped after an error; its log says which. The sweep stays resumable.");
                try
                {
                    last = await sweep.GetProgress().WaitAsync(cancellation)
                        ?? throw new UserException(ExitCode.NotFound, $"{sweepId} was deleted.");
                    show(pace.Look(last));
                    if (last.Status is not (SweepStatus.Running or SweepStatus.Paused))
                        return;
                }
                catch (Exception exception) when (connection.IsLost(exception))
                {
                    last = null;
                    return;
                }
                catch (Exception exception) when (SweepConnection.IsSilence(exception))
                {
                    // The coordinator in this process is busy or restarting, so the call is repeated.
                }
                await Task.Delay(Interval, time, cancellation);
            }
        });
        return last;
    }
}
