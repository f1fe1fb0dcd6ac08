using System.CommandLine;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Connecting;
using DeepTrain.Cluster.Client.Rendering;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Grains.Trials;

namespace DeepTrain.Cluster.Client.Verbs;

/// <summary>The verbs that control a stored sweep: <c>pause|resume|cancel|retry ID</c>.</summary>
internal static class ControlVerbs
{
    public static Command Pause() => Verb("pause", "Pause a sweep; what is being trained is saved at the end of its epoch.",
        async sweep => await sweep.Pause() ? ("is paused", ("paused", true)) : ("is not running", ("paused", false)));

    public static Command Resume() => Verb("resume", "Continue a paused sweep.",
        async sweep => await sweep.Resume() ? ("goes on", ("resumed", true)) : ("is not paused", ("resumed", false)));

    public static Command Cancel() => Verb("cancel", "Cancel a sweep; its finished trials keep their results.",
        async sweep => await sweep.Cancel() ? ("is cancelled", ("cancelled", true)) : ("had ended before", ("cancelled", false)),
        new("--trial") { Description = "Stop one trial in training instead, at the end of its epoch; the others go on.", HelpName = "TRIAL" });

    public static Command Retry() => Verb("retry", "Train the failed and cancelled trials of a sweep again.",
        async sweep => await sweep.Retry() is > 0 and var trials
            ? ($"tries {trials} failed or cancelled trials again", ("retried", trials))
            : ("has no failed or cancelled trials", ("retried", 0)));

    /// <param name="trial">The option that selects one trial to stop, in place of the whole sweep; null where there is none.</param>
    private static Command Verb(
        string name, string description, Func<ISweepGrain, Task<(string Said, (string, object) Field)>> act, Option<string?>? trial = null)
    {
        var id = CommonOptions.Sweep();
        var command = new Command(name, description) { id };
        if (trial is not null)
            command.Add(trial);
        command.SetAction(async (parsed, cancellation) =>
        {
            var location = SweepLocations.Of(parsed);
            var sweep = SweepSelector.Select(await location.Reader.ListAsync(cancellation), parsed.GetValue(id)!);
            if (trial is not null && parsed.GetValue(trial) is { } one)
            {
                await StopAsync(location, sweep.Id, one, parsed.GetValue(CommonOptions.Format), cancellation);
                return ExitCode.Done;
            }
            await using var connection = await location.OpenAsync(cancellation);
            var (said, field) = await Patience.AwaitAsync(
                act(connection.Grains.Sweep(sweep.Id)), $"waiting until {sweep.Id} with its {sweep.Total} trials is changed", connection, TimeProvider.System, cancellation);
            Output.WriteLine(parsed.GetValue(CommonOptions.Format), $"{sweep.Id} {said}", ("sweepId", sweep.Id), field);
            return ExitCode.Done;
        });
        return command;
    }

    private static async Task StopAsync(SweepLocation location, string sweepId, string text, OutputFormat format, CancellationToken cancellation)
    {
        var (_, sweep, _) = await StoredSweep.ReadAsync(location.Reader, sweepId, cancellation);
        var trial = TrialSelector.Select(sweepId, sweep, text);
        // A trial can only be stopped while a process trains it, and that process already owns the location.
        await using var connection = await location.TryAttachAsync(cancellation);
        var isStopped = connection is not null && await connection.Grains.Trial(trial).Stop();
        Output.WriteLine(format,
            isStopped ? $"{trial} will be stopped at the end of its epoch, if its slot still trains it then" : $"{trial} is not stopped, because it is not in training",
            ("trial", $"{trial}"), ("stopped", isStopped));
    }
}
