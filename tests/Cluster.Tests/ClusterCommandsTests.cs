namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>The command line as a client of a cluster.</summary>
public sealed class ClusterCommandsTests
{
    private static readonly SweepText Followed = new("followed")
    {
        Epochs = [1], Replicates = 20, More = "trainer: { simulate: { seconds: 0.5, accuracy: 0.9, cohort: 1 } }",
    };

    [Fact]
    public async Task Run_WhoseCoordinatorIsKilled_IsFollowedToItsEnd()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.AddAsync(new("coordinator"), new("coordinator"), new("worker"));
        var run = cluster.Begin("run", cluster.Write("followed.yaml", $"{Followed}"), "--format", "json");
        await cluster.Until(() => cluster.Store.Ended("followed-1") > 0, "the first result");

        (await cluster.CoordinatorAsync()).Kill();

        var end = (await run.WaitAsync()).Expect(0).Json;
        Assert.Equal(("followed-1", "finished"), (end.GetProperty("sweepId").GetString(), end.GetProperty("status").GetString()));
        var trials = end.GetProperty("trials");
        Assert.Equal((Followed.Trials, Followed.Trials), (trials.GetProperty("total").GetInt32(), trials.GetProperty("completed").GetInt32()));

        var listed = Assert.Single((await cluster.Tell("list", "--format", "json")).Expect(0).Json.EnumerateArray());
        Assert.Equal("followed-1", listed.GetProperty("sweepId").GetString());
        var status = (await cluster.Tell("status", "followed", "--format", "json")).Expect(0).Json;
        Assert.Equal(Followed.Trials, status.GetProperty("trials").GetProperty("completed").GetInt32());
        var results = (await cluster.Tell("results", "followed", "--format", "json")).Expect(0).Json.EnumerateArray().ToList();
        Assert.Equal(Followed.Trials, results.Count);
        Assert.All(results, result => Assert.Equal(("completed", 1L), (result.GetProperty("outcome").GetString(), result.GetProperty("fence").GetInt64())));
    }

    [Fact]
    public async Task Commands_WhileThereIsNoCoordinator_SaySoAndWatchWaitsForTheNext()
    {
        await using var cluster = await TestCluster.StartAsync();
        var silos = await cluster.AddAsync(new("coordinator"), new("worker"));
        var (coordinator, worker) = (silos[0], silos[1]);
        (await cluster.Tell("submit", cluster.Write("followed.yaml", $"{Followed}"))).Expect(0);
        var watch = cluster.Begin("watch", "followed", "--format", "json");
        await cluster.Until(() => cluster.Store.Ended("followed-1") > 0, "the first result");

        coordinator.Kill();
        await cluster.Until(() => worker.Errors.Contains("No coordinator gives this silo's slots anything to train.", StringComparison.Ordinal), "the worker to be alone");

        var alone = (await cluster.Tell("pause", "followed")).Expect(3).ExpectInErrors("error: the cluster went away or does not answer.");
        Assert.DoesNotContain("Unhandled", alone.Errors, StringComparison.Ordinal);
        await cluster.Until(() => watch.Errors.Contains("the cluster, which trains followed-1, does not answer: trying again", StringComparison.Ordinal),
            "the watching process to be alone");
        coordinator.Start();
        Assert.Equal(Followed.Trials, (await watch.WaitAsync()).Expect(0).Json.GetProperty("trials").GetProperty("completed").GetInt32());
    }

    [Fact]
    public async Task Commands_WithoutTheOption_SayThatTheyAreNotAboutTheClusterOfTheEnvironment()
    {
        using var workplace = new Workplace();
        Assert.DoesNotContain("note:", (await workplace.Tell("list")).Expect(0).Errors, StringComparison.Ordinal);

        using var list = DeepTrainProcess.Start(DeepTrainProcess.CommandLineProgram, Path.GetDirectoryName(workplace.Data)!, ["list"],
            new() { ["DEEPTRAIN_POSTGRES_HOST"] = "db.internal" });

        (await list.WaitAsync()).Expect(0)
            .ExpectInErrors("note: DEEPTRAIN_POSTGRES_HOST names a cluster; without --cluster, this command uses the folder .deeptrain.");
    }

    [Fact]
    public async Task Run_Interrupted_LeavesTheSweepToTheCluster()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.AddAsync(new SiloSetup());
        var run = cluster.Begin("run", cluster.Write("followed.yaml", $"{Followed}"));
        await cluster.Until(() => cluster.Store.Ended("followed-1") > 0, "the first result");

        run.SendInterrupt();

        (await run.WaitAsync()).Expect(130).ExpectInErrors("no longer followed; followed-1 goes on. Follow it with: deeptrain watch followed-1 --cluster");
        await cluster.UntilFinished("followed-1");
    }

    [Fact]
    public async Task PauseResumeDelete_SweepInTraining_StopsGoesOnAndLeavesNoFile()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Settings["DEEPTRAIN_CHECKPOINT_SECONDS"] = "1";
        await cluster.AddAsync(new SiloSetup());
        var sweep = await cluster.SubmitAsync(new SweepText("long") { Epochs = [SweepText.Endless], Replicates = 1 });
        await cluster.Until(() => cluster.Store.EpochCount(sweep) > 4, "some epochs");

        await PauseAsync();
        var saved = cluster.Store.EpochCount(sweep);
        Assert.Equal("paused", (await cluster.Tell("status", "long", "--format", "json")).Expect(0).Json.GetProperty("status").GetString());

        Assert.Contains("long-1 goes on", (await cluster.Tell("resume", "long")).Expect(0).Output, StringComparison.Ordinal);
        await cluster.Until(() => cluster.Store.EpochCount(sweep) > saved, "further epochs");
        Assert.All(cluster.Store.Losses(sweep), losses => Assert.Equal(0, losses));

        // While it trains, one more file may be written that nothing names any more: that one is the janitor's.
        await PauseAsync();
        var checkpoints = cluster.Store.Checkpoints(sweep).Select(name => Path.Combine(cluster.Data, "checkpoints", name)).ToList();
        Assert.NotEmpty(checkpoints);
        Assert.All(checkpoints, path => Assert.True(File.Exists(path), path));
        Assert.Contains("long-1 is deleted", (await cluster.Tell("delete", "long-1")).Expect(0).Output, StringComparison.Ordinal);
        Assert.Empty((await cluster.Tell("list", "--format", "json")).Expect(0).Json.EnumerateArray());
        await cluster.Until(() => !checkpoints.Exists(File.Exists), "its checkpoint files to go");
        (await cluster.Tell("results", "long-1")).Expect(3);

        async Task PauseAsync()
        {
            Assert.Contains("long-1 is paused", (await cluster.Tell("pause", "long")).Expect(0).Output, StringComparison.Ordinal);
            await cluster.Until(() => cluster.Store.OpenLeases(sweep).Count == 0, "the trials to be given back");
        }
    }
}
