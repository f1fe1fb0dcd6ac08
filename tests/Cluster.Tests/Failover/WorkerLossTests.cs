using System.Diagnostics;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>The silo that trains goes away while another has a free slot.</summary>
[Collection(nameof(Timed))]
public sealed class WorkerLossTests(ITestOutputHelper output)
{
    private const int CheckpointSeconds = 1;

    /// <summary>One cohort that trains for as long as a test watches.</summary>
    private static readonly SweepText Long = new("long") { Epochs = [SweepText.Endless], BatchSize = 4, Replicates = 1 };

    [Fact]
    public async Task Worker_Killed_ItsTrialsAreLeasedAgainInTimeAndGoOnFromTheirCheckpoint()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Settings["DEEPTRAIN_CHECKPOINT_SECONDS"] = $"{CheckpointSeconds}";
        await cluster.AddAsync(new SiloSetup("coordinator"));
        var sweep = await cluster.SubmitAsync(Long);
        var (worker, _) = await TrainBesideAnIdleOneAsync(cluster, sweep);
        await cluster.Until(() => cluster.Store.Checkpointed(sweep) == Long.Trials, "a checkpoint of each trial");
        var again = new TrainedAgain(cluster.Store, sweep);

        var since = Stopwatch.GetTimestamp();
        worker.Kill();
        again.Look();
        await cluster.Until(() => cluster.Store.OpenLeases(sweep).Any(lease => !worker.IsNamedBy(lease.Silo)), "a lease of the other worker");
        var leased = Stopwatch.GetElapsedTime(since);
        await cluster.Until(() => cluster.Store.LastEpochs(sweep).All(last => last.Fence > 1), "epochs of the other worker");

        var after = cluster.Store.Trials(sweep);
        again.Look();
        var (seconds, longest) = again.Most();
        output.WriteLine($"SIGKILL of a worker: its trials leased again after {leased.TotalSeconds:F1} s, " +
            $"going on from epoch {after[0].Epochs.Count(epoch => epoch.Fence == 1) - 1}, {seconds:F2} s of training done again, with epochs of {longest:F2} s");
        Assert.InRange(leased.TotalSeconds, 0, 15);
        Assert.InRange(seconds, 0, CheckpointSeconds + longest);
        Assert.All(after, trial =>
        {
            Assert.Equal(1, trial.Resumes);
            Assert.Equal(Enumerable.Range(0, trial.Epochs.Length), trial.Epochs.Select(epoch => epoch.Epoch));
            Assert.InRange(trial.Epochs.Count(epoch => epoch.Fence == 1), 2, int.MaxValue);
        });
        Assert.All(cluster.Store.Losses(sweep), losses => Assert.Equal(1, losses));
    }

    [Fact]
    public async Task Worker_AskedToEnd_SavesGivesBackAndLosesNothing()
    {
        await using var cluster = await TestCluster.StartAsync();
        // No checkpoint by time: what there is was saved because the worker ends.
        cluster.Settings["DEEPTRAIN_CHECKPOINT_SECONDS"] = "3600";
        await cluster.AddAsync(new SiloSetup("coordinator"));
        var sweep = await cluster.SubmitAsync(Long);
        var (worker, _) = await TrainBesideAnIdleOneAsync(cluster, sweep);
        await cluster.Until(() => cluster.Store.LastEpochs(sweep) is { Count: > 0 } trials && trials.All(last => last.Epoch > 20), "twenty epochs of each trial");

        var since = Stopwatch.GetTimestamp();
        worker.Terminate();
        await cluster.Until(() => worker.HasExited, "the worker to end", TimeSpan.FromSeconds(30));
        var ended = Stopwatch.GetElapsedTime(since);
        var before = cluster.Store.Trials(sweep);
        await cluster.Until(() => cluster.Store.LastEpochs(sweep).All(last => last.Fence > 1), "epochs of the other worker");

        output.WriteLine($"SIGTERM of a worker: ended after {ended.TotalSeconds:F1} s");
        Assert.Equal(0, worker.Process.ExitCode);
        Assert.InRange(ended.TotalSeconds, 0, 25);
        // Whoever reads the log at night sees that nobody killed it.
        Assert.All((string[])["is ending; it has 25 s", $" trials of {sweep} are given back.", "has ended"],
            line => Assert.Contains(line, worker.Errors, StringComparison.Ordinal));
        Assert.All(cluster.Store.Trials(sweep).Zip(before), pair =>
        {
            var first = pair.First.Epochs.Where(epoch => epoch.Fence == 1).ToList();
            Assert.InRange(first.Count, 21, int.MaxValue);
            // Not one epoch is trained again.
            Assert.Equal(pair.Second.Epochs.Where(epoch => epoch.Fence == 1), first);
        });
        Assert.All(cluster.Store.Losses(sweep), losses => Assert.Equal(0, losses));
    }

    /// <summary>One worker trains the sweep's only cohort, and another has joined that finds nothing to do.</summary>
    private static async Task<(SiloProcess Busy, SiloProcess Idle)> TrainBesideAnIdleOneAsync(TestCluster cluster, string sweep)
    {
        var busy = (await cluster.AddAsync(new SiloSetup("worker")))[0];
        await cluster.Until(() => cluster.Store.OpenLeases(sweep).Sum(lease => lease.Trials) == Long.Trials, "all trials to be leased");
        // A slot for each trial, whatever the cohorts are then.
        var idle = (await cluster.AddAsync(new SiloSetup("worker") { Slots = Long.Trials }))[0];
        return (busy, idle);
    }
}
