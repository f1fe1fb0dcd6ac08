using System.Globalization;

namespace DeepTrain.Cluster.Cluster.Tests;

[Collection(nameof(Timed))]
public sealed class ChaosTests(ITestOutputHelper output)
{
    /// <summary>Names other seeds than the usual two, separated by commas; each takes several minutes of a machine that does nothing else.</summary>
    private const string SeedsVariable = "DEEPTRAIN_CHAOS_SEEDS";

    private const string UsualSeeds = "1,2";

    private const int FewestFaults = 15;

    public static TheoryData<int> Seeds =>
        [.. (Environment.GetEnvironmentVariable(SeedsVariable) ?? UsualSeeds).Split(',', StringSplitOptions.RemoveEmptyEntries)
            .Select(seed => int.Parse(seed, CultureInfo.InvariantCulture))];

    [Theory]
    [MemberData(nameof(Seeds))]
    [Trait("Duration", "Long")]
    public async Task Silos_StruckEveryTenSeconds_EveryTrialHasTheResultOfAQuietRun(int seed)
    {
        output.WriteLine($"seed {seed}");
        await using var cluster = await TestCluster.StartAsync();
        var quiet = await QuietRun.Get();

        var report = await new ChaosRun(cluster, seed).RunAsync(quiet);

        output.WriteLine($"{report}");
        report.Keep();
        Assert.Equal("equal bit for bit", report.Verdict);
        Assert.Equal(quiet.Sweep.Trials, report.Trials);
        Assert.InRange(report.FaultCount, FewestFaults, int.MaxValue);
        Assert.All(report.Faults.Values, count => Assert.InRange(count, 1, int.MaxValue));
        Assert.InRange(report.FewestActive, 2, int.MaxValue);
        Assert.Equal(0, report.Unexpected);
        Assert.InRange(report.OnCoordinator, 1, int.MaxValue);
        Assert.InRange(report.Resumes, 1, int.MaxValue);
        Assert.InRange(report.QuietSeconds, 60, double.MaxValue);
    }
}
