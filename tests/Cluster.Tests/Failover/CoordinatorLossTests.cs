using System.Diagnostics;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>The silo that keeps a sweep's books goes away while workers need leases.</summary>
[Collection(nameof(Timed))]
public sealed class CoordinatorLossTests(ITestOutputHelper output)
{
    /// <summary>Trials of half a second each that cost no CPU, so that leases are asked for all the time.</summary>
    private static readonly SweepText Steady = new("steady")
    {
        Activations = ["tanh", "relu", "elu", "selu"], Epochs = [1], Replicates = 250,
        More = "trainer: { simulate: { seconds: 0.5, accuracy: 0.9, cohort: 1 } }",
    };

    [Fact]
    public async Task Coordinator_KilledThenFrozenWithShortProbes_LeasesAgainInTime()
    {
        await using var cluster = await TestCluster.StartAsync();
        cluster.Settings["DEEPTRAIN_PROBE_SECONDS"] = "1";
        await LeasesAgainInTimeAsync(cluster);
    }

    [Fact]
    [Trait("Duration", "Long")]
    public async Task Coordinator_KilledThenFrozen_LeasesAgainInTime()
    {
        await using var cluster = await TestCluster.StartAsync();
        await LeasesAgainInTimeAsync(cluster);
    }

    private async Task LeasesAgainInTimeAsync(TestCluster cluster)
    {
        await cluster.AddAsync(new("coordinator"), new("coordinator"), new("worker") { Slots = 4 });
        var sweep = await cluster.SubmitAsync(Steady);

        // Nobody takes its place before: a silo that comes back to the same port tells the others that its predecessor is dead.
        var (dead, killed) = await NextLeaseAsync(cluster, sweep, coordinator => coordinator.Kill());
        output.WriteLine($"SIGKILL of the coordinator's silo: next lease after {killed.TotalSeconds:F1} s");
        Assert.InRange(killed.TotalSeconds, 0, 15);

        dead.Start();
        await dead.ActiveAsync();
        var (zombie, frozen) = await NextLeaseAsync(cluster, sweep, coordinator => coordinator.Freeze());
        output.WriteLine($"SIGSTOP of the coordinator's silo: next lease after {frozen.TotalSeconds:F1} s");
        Assert.InRange(frozen.TotalSeconds, 0, 40);

        // Woken, it believes that it still keeps the books, and may even open them again until the other silos tell it better.
        zombie.Thaw();
        await cluster.Until(() => zombie.HasExited, "the silo that was woken to end itself");
        var leases = cluster.Store.Leases(sweep);
        await cluster.Until(() => cluster.Store.Leases(sweep) > leases, "a lease after that");
        // Nothing was granted twice: a trial is leased anew only after its lease was lost, and no worker was.
        Assert.All(cluster.Store.Trials(sweep), trial => Assert.InRange(trial.Attempt, 0, 1));
    }

    /// <summary>Strikes the sweep's coordinator; which silo that was, and the time until another has made the sweep its own and granted a lease.</summary>
    private static async Task<(SiloProcess Struck, TimeSpan Time)> NextLeaseAsync(TestCluster cluster, string sweep, Action<SiloProcess> strike)
    {
        await cluster.Until(() => cluster.Store.OpenLeases(sweep).Count > 0, "a lease");
        var coordinator = await cluster.CoordinatorAsync();
        var fence = cluster.Store.CoordinatorFence(sweep);

        var since = Stopwatch.GetTimestamp();
        strike(coordinator);

        await cluster.Until(() => cluster.Store.CoordinatorFence(sweep) > fence, "another coordinator");
        var leases = cluster.Store.Leases(sweep);
        await cluster.Until(() => cluster.Store.Leases(sweep) > leases, "a lease of the new coordinator");
        return (coordinator, Stopwatch.GetElapsedTime(since));
    }
}
