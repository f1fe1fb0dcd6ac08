using System.CommandLine;
using System.Globalization;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Connecting;
using DeepTrain.Cluster.Client.Rendering;
using DeepTrain.Cluster.Grains.Store;

namespace DeepTrain.Cluster.Client.Verbs;

/// <summary><c>prune --older-than AGE</c>: deletes the sweeps that ended long ago.</summary>
internal static class PruneVerb
{
    public static Command Create()
    {
        var age = new Option<TimeSpan>("--older-than")
        {
            Description = "How long ago a sweep must have ended: 30d, 12h, 90m.",
            HelpName = "AGE",
            Required = true,
            CustomParser = result => Parse(result.Tokens[0].Value)
                ?? CommonOptions.Fail<TimeSpan>(result, "--older-than is a number of days, hours or minutes: 30d, 12h, 90m."),
        };
        var dryRun = new Option<bool>("--dry-run") { Description = "Only say which sweeps would be deleted." };
        var command = new Command("prune", "Delete the sweeps that ended longer ago than a given time.") { age, dryRun };
        command.SetAction((parsed, cancellation) => PruneAsync(
            parsed.GetValue(age), parsed.GetValue(dryRun), SweepLocations.Of(parsed), parsed.GetValue(CommonOptions.Format),
            TimeProvider.System, cancellation));
        return command;
    }

    /// <summary>Parses a number of days, hours or minutes; null if the text is invalid.</summary>
    internal static TimeSpan? Parse(string text) =>
        text.Length > 1 && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number <= 100_000
            ? text[^1] switch
            {
                'd' => TimeSpan.FromDays(number),
                'h' => TimeSpan.FromHours(number),
                'm' => TimeSpan.FromMinutes(number),
                _ => null,
            }
            : null;

    internal static async Task<int> PruneAsync(
        TimeSpan age, bool isDryRun, SweepLocation location, OutputFormat format, TimeProvider time, CancellationToken cancellation)
    {
        var before = time.GetUtcNow() - age;
        IReadOnlyList<SweepOverview> old = [.. (await location.Reader.ListAsync(cancellation)).Where(IsOld)];
        if (old.Count > 0 && !isDryRun)
            old = await DeleteVerb.DeleteAsync(location, old, IsOld, cancellation);
        if (isDryRun)
            await Console.Error.WriteLineAsync(old.Count == 0 ? "nothing is that old" : "without --dry-run these would be deleted:");
        Output.WriteRows(
            format, [("sweep", false), ("status", false), ("trials", true), ("ended", false)],
            [.. old.Select(sweep => new[] { sweep.Id, Output.Name(sweep.Status), $"{sweep.Total}", $"{sweep.Finished:u}" })],
            old.Select(sweep => new { SweepId = sweep.Id, sweep.Status, Trials = sweep.Total, Ended = sweep.Finished, Deleted = !isDryRun }));
        return ExitCode.Done;

        bool IsOld(SweepOverview sweep) => sweep.Status is SweepStatus.Finished or SweepStatus.Cancelled && sweep.Finished < before;
    }
}
