using System.CommandLine;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Connecting;
using DeepTrain.Cluster.Client.Following;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Settings;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Training.Native;

namespace DeepTrain.Cluster.Client.Verbs;

/// <summary><c>run FILE</c>: submits a sweep, follows it and prints its results.</summary>
internal static class RunVerb
{
    public static Command Create()
    {
        var file = CommonOptions.SweepFile();
        var slots = CommonOptions.Slots();
        var metricsPort = CommonOptions.MetricsPort();
        var isNew = new Option<bool>("--new") { Description = "Start a new sweep under the next number, whatever is stored." };
        var command = new Command("run", "Run a sweep to its end and print its cells; the same command again resumes it.")
        {
            file, slots, metricsPort, isNew,
        };
        command.SetAction((parsed, cancellation) => RunAsync(
            parsed.GetValue(file)!, SweepLocations.Of(parsed), parsed.GetValue(CommonOptions.Format), parsed.GetValue(isNew),
            CommonOptions.RunSettings(parsed, parsed.GetValue(slots), parsed.GetValue(metricsPort)),
            cancellation));
        return command;
    }

    private static async Task<int> RunAsync(
        string path, SweepLocation location, OutputFormat format, bool isNew, EmbeddedSettings settings, CancellationToken cancellation)
    {
        var time = TimeProvider.System;
        var began = time.GetTimestamp();
        var input = await SweepFiles.ReadAsync(path, settings.Datasets, cancellation);
        settings = settings with { Device = await DeviceAsync(location, input.Sweep, isNew, cancellation) ?? settings.Device };
        var display = ProgressDisplay.OnStandardError(time);
        string? sweepId = null;
        var trainsHere = false;
        using var leaving = cancellation.Register(() =>
        {
            if (trainsHere)
                Console.Error.WriteLine(
                    $"stopping: waiting for the epoch in training to end, so that what it trained is saved, {settings.Grace.TotalSeconds:0} s at most. "
                    + "Press Ctrl-C again to stop now; then what was trained since the last checkpoint is trained again.");
        });
        try
        {
            while (true)
            {
                await using var connection = await location.OpenAsync(settings, time, cancellation);
                trainsHere = connection.Owner is null;
                try
                {
                    input.KeepData(location.Folder);
                    // A submitted sweep is durable: the next owner of the folder finds it there.
                    sweepId ??= (await Submitter.SubmitAsync(connection, input.Sweep, isNew, cancellation)).SweepId;
                }
                catch (Exception exception) when (connection.IsLost(exception))
                {
                    await Console.Error.WriteLineAsync(
                        $"{connection.Owner} does not answer: trying again");
                    continue;
                }
                if (await new Follower(connection, time).FollowAsync(sweepId, display, cancellation) is not null)
                {
                    if (connection.Owner is null)
                        foreach (var other in await connection.Reader.UnfinishedAsync())
                            await Console.Error.WriteLineAsync($"{other} is unfinished: run its file to continue it");
                    return await SweepReport.WriteAsync(location, sweepId, format, time.GetElapsedTime(began), cancellation);
                }
                await Console.Error.WriteLineAsync($"{connection.Owner}, which trained {sweepId}, does not answer any more: going on without it");
            }
        }
        // After Ctrl-C this message matters most to the user, whatever else failed.
        catch (Exception) when (cancellation.IsCancellationRequested && sweepId is not null)
        {
            await Console.Error.WriteLineAsync(trainsHere
                ? $"interrupted: what is finished is kept. Resume with: deeptrain run {ShellWords.Quote(path)}{location.Option}"
                : $"no longer followed; {sweepId} goes on. Follow it with: deeptrain watch {sweepId}{location.Option}. "
                    + $"End it with: deeptrain cancel {sweepId}{location.Option}");
            return ExitCode.Interrupted;
        }
    }

    /// <summary>The kind of device on which a silo of this process must train; null where it may choose.</summary>
    private static async Task<DeviceKind?> DeviceAsync(SweepLocation location, Sweep sweep, bool isNew, CancellationToken cancellation)
    {
        var device = sweep.Device;
        try
        {
            var number = isNew ? 0 : await location.Reader.LatestNumberAsync(sweep.Name, cancellation);
            if (number > 0 && await location.Reader.FindAsync($"{sweep.Name}-{number}", cancellation) is { Device: { } stored })
                device = stored;
        }
        catch (StoreException)
        {
            // The database is of an earlier version without GPUs. Opening it upgrades it or reports what is wrong.
        }
        return device is null ? null : Enum.Parse<DeviceKind>(device, ignoreCase: true);
    }
}
