using System.CommandLine;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Connecting;
using DeepTrain.Cluster.Client.Rendering;
using DeepTrain.Cluster.Sweeps.Files;

namespace DeepTrain.Cluster.Client.Verbs;

/// <summary><c>extend ID --replicates N</c>: adds replicates to a stored sweep. Finished trials are kept.</summary>
internal static class ExtendVerb
{
    public static Command Create()
    {
        var id = CommonOptions.Sweep();
        var replicates = new Option<int>("--replicates")
        {
            Description = "How many replicates each cell shall have.",
            HelpName = "N",
            Required = true,
            CustomParser = result => int.TryParse(result.Tokens[0].Value, out var number) && number >= 1
                ? number
                : CommonOptions.Fail<int>(result, "--replicates is a whole number from 1."),
        };
        var command = new Command("extend", "Give a stored sweep more replicates; give its file as many before you run that again.") { id, replicates };
        command.SetAction((parsed, cancellation) => ExtendAsync(
            parsed.GetValue(id)!, parsed.GetValue(replicates), SweepLocations.Of(parsed), parsed.GetValue(CommonOptions.Format), cancellation));
        return command;
    }

    internal static async Task<int> ExtendAsync(string id, int replicates, SweepLocation location, OutputFormat format, CancellationToken cancellation)
    {
        var sweep = SweepSelector.Select(await location.Reader.ListAsync(cancellation), id);
        var (_, stored, _) = await StoredSweep.ReadAsync(location.Reader, sweep.Id, cancellation);
        if (replicates < stored.Replicates)
            throw new UserException(ExitCode.BadInput,
                $"{sweep.Id} has {stored.Replicates} replicates: give more. To compare fewer, run its file with fewer.");
        var reading = SweepFile.Parse(Changed(sweep.Id, stored.Text, replicates), sweep.Id);
        if (reading.Sweep is not { } proposed)
            throw new UserException(ExitCode.BadInput, string.Join(Environment.NewLine, reading.Problems));
        await using var connection = await location.OpenAsync(cancellation);
        var submission = await Submitter.SubmitAsync(connection, sweep.Id, proposed, cancellation);
        await Console.Error.WriteLineAsync($"a file that says fewer takes them out again: write 'replicates: {replicates}' into yours before you run it");
        Output.WriteLine(format, $"{sweep.Id} has {replicates} replicates now: +{submission.AddedTrials} trials",
            ("sweepId", sweep.Id), ("replicates", replicates), ("addedTrials", submission.AddedTrials));
        return ExitCode.Done;
    }

    private static string Changed(string sweepId, string text, int replicates)
    {
        try
        {
            return SweepFile.WithReplicates(text, replicates);
        }
        catch (FormatException error)
        {
            throw new UserException(ExitCode.BadInput, $"{sweepId}: {error.Message}");
        }
    }
}
