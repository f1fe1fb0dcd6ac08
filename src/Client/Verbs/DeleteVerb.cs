using System.CommandLine;
using DeepTrain.Cluster.Grains;

namespace DeepTrain.Cluster.Client;

/// <summary><c>delete ID</c>: take a sweep away for good.</summary>
internal static class DeleteVerb
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    public static Command Create()
    {
        var id = CommonOptions.Sweep();
        var command = new Command("delete", "Take a sweep away for good, with its results, checkpoints and models.") { id };
        command.SetAction(async (parsed, cancellation) =>
        {
            var place = CommonOptions.Place(parsed);
            var sweep = SweepSelector.Select(await place.Reader.ListAsync(cancellation), parsed.GetValue(id)!);
            await DeleteAsync(place, [sweep], _ => true, cancellation);
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
            await connection.Grains.Sweep(sweep.Id).Delete();
            await Console.Error.WriteLineAsync($"removing {sweep.Id}: {sweep.Total} trials");
            deleted.Add(now);
        }
        if (connection.Owner is null)
            while ((await connection.Reader.TombstonesAsync()).Intersect(deleted.Select(sweep => sweep.Id)).Any())
                await Task.Delay(Pause, cancellation);
        return deleted;
    }
}
