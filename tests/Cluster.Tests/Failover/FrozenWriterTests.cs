using DeepTrain.Cluster.Servers;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>A worker that sleeps on a finished result.</summary>
public sealed class FrozenWriterTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Worker_FrozenWithAResultOnItsWay_IsRefusedAfterAnotherHasGivenOne()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Settings["DEEPTRAIN_LEASE_SECONDS"] = "5";
        cluster.Settings["DEEPTRAIN_CHECKPOINT_SECONDS"] = "3600";
        // Only its lease is taken from it: membership would have it end itself, at any moment after it is woken.
        cluster.Settings["DEEPTRAIN_PROBE_SECONDS"] = "60";
        // A silo joins only where all others answer: whoever is to go on is there before the sleeper sleeps.
        FaultProxy[] proxies = [new(cluster.Postgres.Port), new(cluster.Postgres.Port)];
        await using var first = proxies[0];
        await using var second = proxies[1];
        await cluster.AddAsync(new SiloSetup("coordinator"));
        var workers = await cluster.AddAsync([.. proxies.Select(proxy => new SiloSetup("worker") { PostgresPort = proxy.Port })]);
        var sweep = await cluster.SubmitAsync(new SweepText("slow") { Epochs = [100], BatchSize = 8, Activations = ["tanh"], Replicates = 1 });
        await cluster.Until(() => cluster.Store.Progress(sweep).Epochs > 1, "the trial's first epochs");
        var leased = Assert.Single(cluster.Store.OpenLeases(sweep)).Silo;
        var (sleeper, proxy) = workers.Zip(proxies).Single(pair => pair.First.IsNamedBy(leased));

        // What it reports from now on is held on its way to the store; it trains to the end all the same.
        proxy.Stall();
        await Eventually.True(async () => await sleeper.MetricAsync("deeptrain_slots_busy") == 0, "the trial's end", cluster.Explain);
        sleeper.Freeze();
        var held = cluster.Store.Progress(sweep);
        Assert.Equal(0, held.Ended);

        await cluster.UntilFinished(sweep);
        var result = Assert.Single(cluster.Store.Trials(sweep));
        Assert.Equal("Completed", result.Outcome);
        Assert.InRange(result.Fence, 2, long.MaxValue);

        proxy.Pass();
        sleeper.Thaw();
        double? refused = null;
        await Eventually.True(async () => (refused = await sleeper.MetricAsync("deeptrain_writes_refused")) > 0,
            "the sleeper's writes to be refused and counted", cluster.Explain);
        await cluster.Until(() => sleeper.Errors.Contains("reports were refused", StringComparison.Ordinal), "the sleeper to say so");

        output.WriteLine($"woken with a result of {101 - held.Epochs} epochs on its way: {refused} writes refused");
        Assert.Equal(result.Everything, Assert.Single(cluster.Store.Trials(sweep)).Everything);
    }
}
