using System.Diagnostics;
using DeepTrain.Cluster.Servers;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>PostgreSQL and Redis go away under load, and come back.</summary>
public sealed class ServerOutageTests(ITestOutputHelper output)
{
    private const int CheckpointSeconds = 3;

    /// <summary>Cohorts one after the other for minutes, each of which outlasts its checkpoint; they cost no CPU.</summary>
    private static readonly SweepText Load = new("load")
    {
        Epochs = [30], Replicates = 128, More = "trainer: { simulate: { seconds: 6, accuracy: 0.9, cohort: 4 } }",
    };

    [Fact]
    public Task Postgres_RestartedAndDownForLongerThanAShortLease_NothingIsLostAndTheSweepGoesOn() => PostgresIsAwayAsync(leaseSeconds: 6);

    [Fact]
    [Trait("Duration", "Long")]
    public Task Postgres_RestartedAndDownForLongerThanALease_NothingIsLostAndTheSweepGoesOn() => PostgresIsAwayAsync(leaseSeconds: 30);

    private async Task PostgresIsAwayAsync(int leaseSeconds)
    {
        await using var cluster = await TestCluster.StartAloneAsync();
        cluster.Settings["DEEPTRAIN_LEASE_SECONDS"] = $"{leaseSeconds}";
        var sweep = await BeginAsync(cluster);
        await using var supervisor = new Supervisor(cluster);
        var again = new TrainedAgain(cluster.Store, sweep);

        await ThroughAsync(cluster, sweep, again, "PostgreSQL restarted (fast)", () => cluster.Postgres.RestartAsync(PostgresStop.Fast));
        await ThroughAsync(cluster, sweep, again, "PostgreSQL restarted (immediate)", () => cluster.Postgres.RestartAsync(PostgresStop.Immediate));
        await ThroughAsync(cluster, sweep, again, $"PostgreSQL down for longer than a lease of {leaseSeconds} s", async () =>
        {
            await cluster.Postgres.StopAsync(PostgresStop.Fast);
            var stopped = Stopwatch.GetTimestamp();
            await cluster.Until(() => Stopwatch.GetElapsedTime(stopped) > TimeSpan.FromSeconds(leaseSeconds + 1)
                && cluster.Silos.All(silo => silo.Said.Contains("Reports cannot be written into the store.", StringComparison.Ordinal)),
                "every lease to run out, and every silo to miss the store");
            await cluster.Postgres.StartAgainAsync();
        });
        // However often they have tried.
        var told = cluster.Silos.Select(silo => silo.Said.Split("Reports cannot be written into the store. It is tried again").Length - 1).ToList();
        Assert.InRange(told.Max(), 1, 3);
        output.WriteLine($"silos that ended and were started again: {supervisor.Restarts}");
    }

    [Fact]
    public async Task Redis_RestartedAndFlushed_NothingIsLostAndTheSweepGoesOn()
    {
        await using var cluster = await TestCluster.StartAloneAsync();
        var sweep = await BeginAsync(cluster);
        // A silo that finds itself declared dead ends itself, and whoever runs it starts it again.
        await using var supervisor = new Supervisor(cluster);
        var again = new TrainedAgain(cluster.Store, sweep);

        await ThroughAsync(cluster, sweep, again, "Redis restarted", cluster.Redis.RestartAsync);
        await ThroughAsync(cluster, sweep, again, "Redis killed and restarted", async () =>
        {
            await cluster.Redis.KillAsync();
            await cluster.Redis.StartAgainAsync();
        });
        var restarts = supervisor.Restarts;
        await ThroughAsync(cluster, sweep, again, "Redis flushed", cluster.Redis.FlushAsync);
        // The silos that run are a cluster for newcomers too, and none had to end for that.
        var newcomer = (await cluster.AddAsync(new SiloSetup("worker")))[0];
        await cluster.Until(() => cluster.Store.OpenLeases(sweep).Any(newcomer.Holds), "a silo that came after the flush to train");
        Assert.Equal(restarts, supervisor.Restarts);
        output.WriteLine($"silos that ended and were started again: {supervisor.Restarts}");
    }

    [Fact]
    public async Task Silo_AskedToEndWhileRedisDoesNotWrite_SavesAndIsGoneAfterItsGrace()
    {
        await using var cluster = await TestCluster.StartAloneAsync();
        cluster.Settings["DEEPTRAIN_GRACE_SECONDS"] = "5";
        var silos = await cluster.AddAsync(new("both"), new("worker"));
        var sweep = await cluster.SubmitAsync(Load);
        await cluster.Until(() => cluster.Store.OpenLeases(sweep).Any(silos[1].Holds), "the worker to train");
        Assert.Equal("+OK", await cluster.Redis.CommandAsync("CONFIG SET min-replicas-to-write 1"));

        silos[1].Terminate();
        await cluster.Until(() => silos[1].HasExited, "the worker to end", TimeSpan.FromSeconds(60));

        Assert.Equal(0, silos[1].Process.ExitCode);
        Assert.Contains($" trials of {sweep} are given back.", silos[1].Errors, StringComparison.Ordinal);
        Assert.Contains("could not leave the table of members in time", silos[1].Errors, StringComparison.Ordinal);
        Assert.Equal("+OK", await cluster.Redis.CommandAsync("CONFIG SET min-replicas-to-write 0"));
        var before = cluster.Store.Ended(sweep);
        await cluster.Until(() => cluster.Store.Ended(sweep) > before + 1, "the sweep to go on");
    }

    [Fact]
    public async Task Silo_AskedToEndWhilePostgresIsAway_EndsInTimeAndSaysWhatIsTrainedAgain()
    {
        await using var cluster = await TestCluster.StartAloneAsync();
        cluster.Settings["DEEPTRAIN_GRACE_SECONDS"] = "5";
        var silos = await cluster.AddAsync(new("both"), new("worker"));
        var sweep = await cluster.SubmitAsync(Load);
        await cluster.Until(() => cluster.Store.OpenLeases(sweep).Any(silos[1].Holds), "the worker to train");
        await cluster.Postgres.StopAsync(PostgresStop.Fast);
        await Eventually.True(() => silos[1].Said.Contains("Reports cannot be written into the store.", StringComparison.Ordinal), "the worker to miss it", silos[1].Process);

        silos[1].Terminate();
        await Eventually.True(() => silos[1].HasExited, "the worker to end", silos[1].Process);

        Assert.Equal(0, silos[1].Process.ExitCode);
        Assert.Contains("reports are lost, and what they are of is trained again.", silos[1].Said, StringComparison.Ordinal);
        Assert.DoesNotContain("BackgroundService", silos[1].Said, StringComparison.Ordinal);
        await cluster.Postgres.StartAgainAsync();
        var before = cluster.Store.Ended(sweep);
        await cluster.Until(() => cluster.Store.Ended(sweep) > before + 1, "the sweep to go on");
    }

    private static async Task<string> BeginAsync(TestCluster cluster)
    {
        cluster.Settings["DEEPTRAIN_CHECKPOINT_SECONDS"] = $"{CheckpointSeconds}";
        await cluster.AddAsync(new("both"), new("both"));
        var sweep = await cluster.SubmitAsync(Load);
        await cluster.Until(() => cluster.Store.Ended(sweep) > 0 && cluster.Store.OpenLeases(sweep).Count > 1, "the first results, and others in training");
        return sweep;
    }

    /// <summary>Passes a disturbance under load, until trials complete again that were not when it began.</summary>
    private async Task ThroughAsync(TestCluster cluster, string sweep, TrainedAgain again, string name, Func<Task> disturb)
    {
        var before = cluster.Store.Trials(sweep);
        var accepted = before.Where(trial => trial.Outcome is not null).ToList();
        Assert.True(accepted.Count + 4 < before.Count, "there is too little left to train for a load");

        again.Look();
        await disturb();
        var since = Stopwatch.GetTimestamp();
        await cluster.Until(() =>
        {
            again.LookAtTimes();
            return cluster.Store.Ended(sweep) > accepted.Count + 1;
        }, $"results after: {name}");
        var pause = Stopwatch.GetElapsedTime(since);

        var after = cluster.Store.Trials(sweep).ToDictionary(trial => trial.Id);
        Assert.All(accepted, trial => Assert.Equal(trial.Everything, after[trial.Id].Everything));
        again.Look();
        var (seconds, epoch) = again.Most();
        output.WriteLine($"{name}: next result after {pause.TotalSeconds:F1} s, so far {seconds:F2} s of a cohort's training done again, with epochs of {epoch:F2} s");
        Assert.InRange(seconds, 0, CheckpointSeconds + epoch);
    }
}
