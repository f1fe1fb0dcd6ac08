using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>Every silo is replaced by one at another address, as pods are, while a sweep trains.</summary>
[Collection(nameof(Timed))]
[Trait("Duration", "Long")]
public sealed class RollingRestartTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    /// <summary>What the manifests grant a pod between SIGTERM and SIGKILL.</summary>
    private static readonly TimeSpan TerminationGrace = TimeSpan.FromSeconds(int.Parse(
        Regex.Match(File.ReadAllText(Repository.PathOf("deploy/k8s/base/silo/serving.yaml")), @"terminationGracePeriodSeconds: (\d+)").Groups[1].Value,
        CultureInfo.InvariantCulture));

    /// <summary>Beside trials that come to an end some that train for as long as silos are replaced.</summary>
    private static readonly SweepText Long = new("rolled") { Epochs = [Finite, SweepText.Endless], BatchSize = 8, Replicates = 1 };

    private const int Finite = 150;

    private int _pods;

    [Fact]
    public async Task Pods_AllReplacedDuringASweep_NoTrialIsLostAndProgressHasNoGap()
    {
        await using var cluster = await TestCluster.StartAsync();
        var coordinators = await cluster.AddAsync(Pod("coordinator"), Pod("coordinator"));
        var workers = await cluster.AddAsync(Pod("worker"), Pod("worker"));
        var sweep = await cluster.SubmitAsync(Long);
        await cluster.Until(() => cluster.Store.OpenLeases(sweep).DistinctBy(lease => lease.Silo).Count() == 2, "both workers to train");
        using var rolled = new CancellationTokenSource();
        var watching = LongestGapAsync(cluster.Store, sweep, rolled.Token);

        // A Deployment that may not lose one: the new pod is ready before the old one is asked to end.
        foreach (var old in coordinators)
        {
            await StartAsync(cluster, "coordinator");
            await EndAsync(cluster, old);
        }
        // One that may not have one more: the old pod goes first.
        foreach (var old in workers)
        {
            await EndAsync(cluster, old);
            var next = await StartAsync(cluster, "worker");
            await cluster.Until(() => cluster.Store.OpenLeases(sweep).Any(lease => next.IsNamedBy(lease.Silo)), "the new worker to train");
        }
        await rolled.CancelAsync();
        await cluster.Until(() => cluster.Store.Ended(sweep) == Long.Trials / 2, "the trials that come to an end", TimeSpan.FromMinutes(5));
        (await cluster.Tell("cancel", sweep)).Expect(0);

        var gap = await watching;
        output.WriteLine($"two coordinators and two workers replaced: longest time without a durable epoch {gap.TotalSeconds:F1} s");
        Assert.InRange(gap, TimeSpan.Zero, Lease);
        var trials = cluster.Store.Trials(sweep);
        Assert.Equal(Long.Trials, trials.Count);
        Assert.Equal(trials.Count / 2, trials.Count(trial => trial.Outcome == "Cancelled"));
        Assert.All(cluster.Store.Losses(sweep), losses => Assert.Equal(0, losses));
        // Those that trained throughout went from silo to silo.
        Assert.All(trials.Where(trial => trial.Outcome == "Cancelled"), trial => Assert.InRange(trial.Resumes, 1, int.MaxValue));
        Assert.Equal(await Workplace.ResultsAsync(Long with { Epochs = [Finite] }), trials.Where(trial => trial.Outcome == "Completed").Select(trial => trial.Result));
    }

    private SiloSetup Pod(string role) => new(role) { Slots = 2, Address = $"127.0.1.{++_pods}" };

    private async Task<SiloProcess> StartAsync(TestCluster cluster, string role)
    {
        var pod = cluster.Place(Pod(role));
        pod.Start();
        await Eventually.True(async () => await pod.HealthAsync("ready") is HttpStatusCode.OK, $"{pod.Name} to be ready", cluster.Explain);
        return pod;
    }

    private static async Task EndAsync(TestCluster cluster, SiloProcess pod)
    {
        pod.Terminate();
        await cluster.Until(() => pod.HasExited, $"{pod.Name} to end within its grace", TerminationGrace);
        Assert.Equal(0, pod.Process.ExitCode);
    }

    /// <summary>Looks until it is told to stop; the longest time in which no epoch became durable.</summary>
    private static async Task<TimeSpan> LongestGapAsync(StoreServer store, string sweep, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        var (longest, last, since) = (TimeSpan.Zero, store.Progress(sweep), Stopwatch.GetTimestamp());
        while (!stop.IsCancellationRequested)
        {
            var now = store.Progress(sweep);
            if (Stopwatch.GetElapsedTime(since) is var gap && gap > longest)
                longest = gap;
            if (now != last)
                (last, since) = (now, Stopwatch.GetTimestamp());
            await timer.WaitForNextTickAsync(stop).AsTask().ContinueWith(_ => { }, TaskScheduler.Default);
        }
        return longest;
    }
}
