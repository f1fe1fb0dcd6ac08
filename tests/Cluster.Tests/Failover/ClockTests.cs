namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>One silo's clock is wrong.</summary>
public sealed class ClockTests(ITestOutputHelper output)
{
    private static readonly SweepText Short = new("short") { Widths = [8, 9, 10, 11], Epochs = [40], Replicates = 2 };

    /// <summary>Debian's package keeps it where no linker looks.</summary>
    private static readonly string? FakeTime = Directory.Exists("/usr/lib")
        ? Directory.EnumerateDirectories("/usr/lib").Select(folder => Path.Combine(folder, "faketime", "libfaketimeMT.so.1")).FirstOrDefault(File.Exists)
        : null;

    [Theory]
    [InlineData("+300")]
    [InlineData("-300")]
    public async Task Silo_WithAClockFiveMinutesOff_MakesNoDifference(string off)
    {
        Assert.SkipWhen(FakeTime is null, "There is no libfaketime (Debian: libfaketime).");
        await using var cluster = await TestCluster.StartAsync();
        cluster.Settings["DEEPTRAIN_LEASE_SECONDS"] = "6";
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
    }
}
