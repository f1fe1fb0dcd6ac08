using DeepTrain.Cluster.Servers;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>The store does what it is asked, and whoever asked never hears of it.</summary>
public sealed class LostAnswerTests(ITestOutputHelper output)
{
    private static readonly SweepText Short = new("short") { Widths = [.. Enumerable.Range(8, 12)], Epochs = [30], Replicates = 2 };

    [Theory]
    [InlineData("coordinator")]
    [InlineData("worker")]
    public async Task Commit_WhoseAnswerIsLostAgainAndAgain_DoesNothingTwice(string role)
    {
        await using var cluster = await TestCluster.StartAsync();
        await using var proxy = new FaultProxy(cluster.Postgres.Port);
        await cluster.AddAsync(
            new("coordinator") { PostgresPort = role == "coordinator" ? proxy.Port : null },
            new("worker") { PostgresPort = role == "worker" ? proxy.Port : null });
        var sweep = await cluster.SubmitAsync(Short);

        var lost = 0;
        var cut = proxy.CutAfterCommit();
        await cluster.Until(() =>
        {
            if (cut.IsCompleted)
            {
                lost++;
                // Some are heard, or nothing would ever go on.
                cut = proxy.CutAfterCommit(after: 2);
            }
            return cluster.Store.Status(sweep) == "Finished";
        }, $"{sweep} to finish");

        var trials = cluster.Store.Trials(sweep);
        output.WriteLine($"{lost} commits of the {role} went unanswered; {cluster.Store.Leases(sweep)} leases for {trials.Count} trials");
        Assert.InRange(lost, 5, int.MaxValue);
        Assert.All(trials, trial => Assert.Equal((1, 1L), (trial.Attempt, trial.Fence)));
        Assert.Equal(await Workplace.ResultsAsync(Short), trials.Select(trial => trial.Result));
    }
}
