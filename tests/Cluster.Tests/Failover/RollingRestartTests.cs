using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>Every silo is replaced by one at another address, as pods are, while a sweep trains.</summary>
public sealed class RollingRestartTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    /// <summary>What the manifests grant a pod between SIGTERM and SIGKILL.</summary>
    private static readonly TimeSpan TerminationGrace = TimeSpan.FromSeconds(int.Parse(
        Regex.Match(File.ReadAllText(Repository.PathOf("deploy/k8s/base/silo/serving.yaml")), @"terminationGracePeriodSeconds: (\d+)").Groups[1].Value,
        CultureInfo.InvariantCulture));

    private static readonly SweepText Long = new("rolled") { Epochs = [400], BatchSize = 8, Replicates = 2 };

    private int _pods;

    [Fact]
    public async Task Pods_AllReplacedDuringASweep_NoTrialIsLostAndProgressHasNoGap()
    {
        await using var cluster = await TestCluster.StartAsync();
        var coordinators = await cluster.AddAsync(Pod("coordinator"), Pod("coordinator"));
        var workers = await cluster.AddAsync(Pod("worker"), Pod("worker"));
        var sweep = await cluster.SubmitAsync(Long);
        await cluster.Until(() => cluster.Store.OpenLeases(sweep).Count == 2, "both workers to train");
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
        Assert.NotEqual(Long.Trials, cluster.Store.Ended(sweep));
        await cluster.UntilFinished(sweep, TimeSpan.FromMinutes(5));
        await rolled.CancelAsync();

        var gap = await watching;
        output.WriteLine($"two coordinators and two workers replaced: longest time without a durable epoch {gap.TotalSeconds:F1} s");
        Assert.InRange(gap, TimeSpan.Zero, Lease);
        var trials = cluster.Store.Trials(sweep);
        Assert.Equal(Long.Trials, trials.Count);
        Assert.All(trials, trial => Assert.Equal("Completed", trial.Outcome));
        Assert.All(cluster.Store.Losses(sweep), losses => Assert.Equal(0, losses));
        // What was rolled away was worth the rolling.
        Assert.Contains(trials, trial => trial.Resumes > 0);
        Assert.Equal(await Workplace.ResultsAsync(Long), trials.Select(trial => trial.Result));
    }

    private SiloSetup Pod(string role) => new(role) { Address = $"127.0.1.{++_pods}" };

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
