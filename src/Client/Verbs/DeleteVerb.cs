using System.CommandLine;
using DeepTrain.Cluster.Grains;

namespace DeepTrain.Cluster.Client;

/// <summary><c>delete ID</c>: deletes a sweep.</summary>
internal static class DeleteVerb
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    public static Command Create()
    {
        var id = new Argument<string>("id") { Description = "The sweep's whole id, as 'list' prints it.", HelpName = "ID" };
        var command = new Command("delete", "Delete a sweep with its results, checkpoints and models; this cannot be undone.") { id };
        command.SetAction(async (parsed, cancellation) =>
        {
            var place = CommonOptions.Place(parsed);
            var sweep = SweepSelector.SelectById(await place.Reader.ListAsync(cancellation), parsed.GetValue(id)!);
            if (await DeleteAsync(place, [sweep], _ => true, cancellation) is [])
                throw new UserException(ExitCode.NotFound, $"{sweep.Id} was deleted by somebody else.");
            Output.WriteLine(parsed.GetValue(CommonOptions.Format), $"{sweep.Id} is deleted", ("sweepId", sweep.Id), ("deleted", true));
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>Deletes sweeps, and waits until nothing is left of them where this process is the one that removes it.</summary>
    /// <param name="isWanted">Asked just before a sweep goes: somebody may have taken it up again since it was looked up.</param>
    /// <returns>Those that were deleted.</returns>
    public static async Task<IReadOnlyList<SweepOverview>> DeleteAsync(
        Place place, IReadOnlyList<SweepOverview> sweeps, Func<SweepOverview, bool> isWanted, CancellationToken cancellation)
    {
        await using var connection = await place.OpenAsync(cancellation);
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
            while ((await connection.Reader.TombstonesAsync()).Intersect(deleted.Select(sweep => sweep.Id)).Any())
                await Task.Delay(Pause, cancellation);
        return deleted;
    }
}
