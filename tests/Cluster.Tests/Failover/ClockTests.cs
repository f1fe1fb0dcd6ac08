using DeepTrain.Cluster.Servers;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>One silo's clock is wrong.</summary>
public sealed class ClockTests(ITestOutputHelper output)
{
    private const int LeaseSeconds = 6;

    private static readonly SweepText Short = new("short") { Widths = [8, 9, 10, 11], Epochs = [40], Replicates = 2 };

    /// <summary>Two trials on each silo, one after the other; each takes twice as long as a lease that is not renewed.</summary>
    private static readonly SweepText Renewed = new("renewed")
    {
        Epochs = [120], Replicates = 2, More = "trainer: { simulate: { seconds: 12, accuracy: 0.9, cohort: 1 } }",
    };

    /// <summary>Debian's package keeps it where no linker looks.</summary>
    private static readonly string? FakeTime = Directory.Exists("/usr/lib")
        ? Directory.EnumerateDirectories("/usr/lib").Select(folder => Path.Combine(folder, "faketime", "libfaketimeMT.so.1")).FirstOrDefault(File.Exists)
        : null;

    [Fact]
    public Task Silo_WithAClockFiveMinutesAhead_MakesNoDifference() => MakesNoDifferenceAsync("+300");

    [Fact]
    [Trait("Duration", "Long")]
    public Task Silo_WithAClockFiveMinutesBehind_MakesNoDifference() => MakesNoDifferenceAsync("-300");

    private async Task MakesNoDifferenceAsync(string off)
    {
        Prerequisite.Require(FakeTime is not null, "There is no libfaketime (Debian: libfaketime).");
        await using var cluster = await TestCluster.StartAsync();
        cluster.Settings["DEEPTRAIN_LEASE_SECONDS"] = $"{LeaseSeconds}";
        cluster.Settings["DEEPTRAIN_CHECKPOINT_SECONDS"] = "1";
        var wrong = new Dictionary<string, string>
        {
            ["LD_PRELOAD"] = FakeTime,
            ["FAKETIME"] = off,
            // Otherwise every wait with a time-out, which .NET measures by the monotonic clock, ends five minutes early or late.
            ["FAKETIME_DONT_FAKE_MONOTONIC"] = "1",
            ["FAKETIME_FORCE_MONOTONIC_FIX"] = "0",
        };
        // The books are kept, and trials trained, by both kinds of clock.
        await cluster.AddAsync(new("both") { Environment = wrong }, new("both"));
        var first = await cluster.SubmitAsync(Short);
        await cluster.UntilFinished(first);

        var trials = cluster.Store.Trials(first);
        output.WriteLine($"clock {off} s: {cluster.Store.Leases(first)} leases of {cluster.Store.SilosThatLeased(first)} silos");
        Assert.All(trials, trial => Assert.Equal((1, 1L), (trial.Attempt, trial.Fence)));
        Assert.Equal(2, cluster.Store.SilosThatLeased(first));
        Assert.Equal(await Workplace.ResultsAsync(Short), trials.Select(trial => trial.Result));
        Assert.All(cluster.Silos, silo => Assert.False(silo.HasExited, silo.Errors));

        var second = await cluster.SubmitAsync(Renewed);
        await cluster.Until(() => cluster.Store.OpenLeases(second) is { Count: 2 } open && open.All(IsRenewed), "two leases that are older than one that was not renewed");
        // From now on the one clock judges what the other granted.
        var coordinator = await cluster.CoordinatorAsync();
        var survivor = cluster.Silos.Single(silo => silo != coordinator);
        coordinator.Kill();
        var lost = Assert.Single(cluster.Store.OpenLeases(second), coordinator.Holds);
        await cluster.UntilFinished(second);

        var renewed = cluster.Store.Trials(second);
        output.WriteLine($"clock {off} s, {coordinator.Name} of two killed: fences {string.Join(", ", renewed.Select(trial => trial.Fence))}");
        Assert.All(renewed, trial => Assert.Equal("Completed", trial.Outcome));
        Assert.Equal(lost.Trials, renewed.Count(trial => trial.Fence == 2));
        Assert.Equal(renewed.Count - lost.Trials, renewed.Count(trial => trial.Fence == 1));
        Assert.False(survivor.HasExited, survivor.Errors);

        bool IsRenewed(OpenLease lease) => cluster.Store.Now() - lease.Granted > TimeSpan.FromSeconds(LeaseSeconds + 1);
    }
}
