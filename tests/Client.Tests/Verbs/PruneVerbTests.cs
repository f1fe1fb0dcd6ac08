using System.Collections.Immutable;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Verbs;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Sweeps.Trials;
using Microsoft.Extensions.Time.Testing;

namespace DeepTrain.Cluster.Client.Tests;

public sealed class PruneVerbTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task PruneAsync_SweepsTakenUpAgainMeanwhile_Stay()
    {
        var old = _time.GetUtcNow() - TimeSpan.FromDays(9);
        ImmutableArray<SweepOverview> listed = [.. Enumerable.Range(1, 5).Select(number => Ended(number, old))];
        var now = new Dictionary<string, SweepOverview?>
        {
            ["digits-1"] = listed[0],
            ["digits-2"] = listed[1] with { Status = SweepStatus.Running, Finished = null },
            ["digits-3"] = listed[2] with { Finished = _time.GetUtcNow() },
            ["digits-4"] = null,
            ["digits-5"] = listed[4],
        };
        var deleted = new List<string>();
        var location = new FakeLocation(
            Fake<ISweepReader>.Of((method, arguments) => method == nameof(ISweepReader.ListAsync)
                ? Task.FromResult(listed)
                : Task.FromResult(now[(string)arguments[0]!])),
            (sweep, _) =>
            {
                deleted.Add(sweep);
                return Task.FromResult(true);
            });

        var (console, said) = (Console.Out, new StringWriter());
        Console.SetOut(said);
        try
        {
            await PruneVerb.PruneAsync(TimeSpan.FromDays(7), isDryRun: false, location, OutputFormat.Csv, _time, CancellationToken.None);
        }
        finally
        {
            Console.SetOut(console);
        }

        Assert.Equal(["digits-1", "digits-5"], deleted);
        Assert.Equal(["digits-1", "digits-5"], said.ToString().Split(Environment.NewLine)[1..^1].Select(line => line.Split(',')[0]));
    }

    private static SweepOverview Ended(int number, DateTimeOffset finished) => new(
        $"digits-{number}", "digits", number, SweepStatus.Finished, DateTimeOffset.UnixEpoch, finished, "cpu", 0, 0,
        ImmutableDictionary<Outcome, int>.Empty);
}
