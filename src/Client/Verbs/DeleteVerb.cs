using System.CommandLine;
using System.Diagnostics;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Connecting;
using DeepTrain.Cluster.Client.Rendering;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Sweeps;

namespace DeepTrain.Cluster.Client.Verbs;

/// <summary><c>delete ID</c>: deletes a sweep.</summary>
internal static class DeleteVerb
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>After this time, the user is told what the command is waiting for.</summary>
    private static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(2);

    public static Command Create()
    {
        var id = new Argument<string>("id") { Description = "The sweep's whole id, as 'list' prints it.", HelpName = "ID" };
        var command = new Command("delete", "Delete a sweep with its results, checkpoints and models; this cannot be undone.") { id };
        command.SetAction(async (parsed, cancellation) =>
        {
            var location = SweepLocations.Of(parsed);
            var sweep = SweepSelector.SelectById(await location.Reader.ListAsync(cancellation), parsed.GetValue(id)!);
            if (await DeleteAsync(location, [sweep], _ => true, cancellation) is [])
                throw new UserException(ExitCode.NotFound, $"{sweep.Id} was deleted by somebody else.");
            Output.WriteLine(parsed.GetValue(CommonOptions.Format), $"{sweep.Id} is deleted", ("sweepId", sweep.Id), ("deleted", true));
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>Deletes sweeps. Where this process removes their data, waits until nothing is left.</summary>
    /// <param name="isWanted">Called just before a sweep is deleted, because it may have been resumed since the lookup.</param>
    /// <returns>The deleted sweeps.</returns>
    public static async Task<IReadOnlyList<SweepOverview>> DeleteAsync(
        SweepLocation location, IReadOnlyList<SweepOverview> sweeps, Func<SweepOverview, bool> isWanted, CancellationToken cancellation)
    {
        await using var connection = await location.OpenAsync(cancellation);
        var deleted = new List<SweepOverview>();
        foreach (var sweep in sweeps)
        {
            if (await connection.Reader.FindAsync(sweep.Id, cancellation) is not { } now)
                continue;
            if (!isWanted(now))
            {
                await Console.Error.WriteLineAsync($"{sweep.Id} stays: somebody has taken it up again");
                continue;
            }
            await Patience.AwaitAsync(
                connection.Grains.Sweep(sweep.Id).Delete(), $"waiting until {sweep.Id} with its {sweep.Total} trials is deleted", connection, TimeProvider.System, cancellation);
            await Console.Error.WriteLineAsync($"removing {sweep.Id}: {sweep.Total} trials");
            deleted.Add(now);
        }
        if (connection.Owner is null)
            await WaitUntilRemovedAsync(connection.Reader, deleted, cancellation);
        return deleted;
    }

    private static async Task WaitUntilRemovedAsync(ISweepReader reader, List<SweepOverview> deleted, CancellationToken cancellation)
    {
        var saidAt = Stopwatch.GetTimestamp();
        while ((await reader.TombstonesAsync()).Intersect(deleted.Select(sweep => sweep.Id)).ToList() is { Count: > 0 } left)
        {
            if (Stopwatch.GetElapsedTime(saidAt) >= ReportInterval)
            {
                await Console.Error.WriteLineAsync(
                    $"still removing {string.Join(", ", left)}; if you interrupt this, the next command that writes into this folder goes on with it");
                saidAt = Stopwatch.GetTimestamp();
            }
            await Task.Delay(Pause, cancellation);
        }
    }
}
