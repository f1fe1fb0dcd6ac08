using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using DeepTrain.Cluster.Client.Tests;
using DeepTrain.Cluster.Grains.Monitoring;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Tests;
using DeepTrain.Cluster.Silo.Hosting;
using DeepTrain.Cluster.Sweeps.Files;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class DeadSiloLeaseReleaseTests
{
    private static readonly SiloAddress First = SiloAddress.New(IPAddress.Loopback, 11_111, 1);
    private static readonly SiloAddress Second = SiloAddress.New(IPAddress.Loopback, 11_112, 1);

    [Theory]
    [InlineData(SiloStatus.Dead, 0)]
    [InlineData(SiloStatus.ShuttingDown, 2)]
    public async Task SiloStatusChangeNotification_OfALeaseHolder_LetsItsTrialsWaitOnlyIfItIsDead(SiloStatus status, int leased)
    {
        await using var cluster = await SlotCluster.StartAsync();
        await cluster.StopSlotsAsync();
        var sweep = SweepFile.Parse(SlotCluster.Text("0.1, 0.2, 0.3", 4), "sweep").Sweep!;
        await cluster.Store.CreateAsync(SlotCluster.SweepId, 1, sweep);
        var coordinator = (await cluster.Store.OpenAsync(SlotCluster.SweepId))!.Coordinator;
        foreach (var (silo, trials) in ((SiloAddress, int)[])[(First, 2), (Second, 1)])
            await cluster.Store.GrantAsync(coordinator, Sample.Request(
                sweep.Cells.Select(cell => cell.Configuration.FusionKey).Distinct().ToImmutableDictionary(key => key, _ => new Grains.Store.CohortLimit(trials, true)),
                silo: silo.ToParsableString()));
        var active = new ActiveSweeps();
        var watcher = new DeadSiloLeaseRelease(cluster.Membership, cluster.Store, cluster.Grains, active, TimeProvider.System, NullLogger<DeadSiloLeaseRelease>.Instance);
        await watcher.StartAsync(CancellationToken.None);

        watcher.SiloStatusChangeNotification(First, status);
        // When the second one's trials wait, the first one's would too.
        watcher.SiloStatusChangeNotification(Second, SiloStatus.Dead);

        await Eventually.True(async () => (await cluster.OverviewAsync()).Leased == leased, $"{leased} trials to stay leased");
        await Eventually.True(async () => (await cluster.Sweep.GetProgress())!.Waiting == 3 - leased, "the coordinator to know it");
        Assert.Equal(3 - leased, active.Expired);
        await watcher.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task ExecuteAsync_CoordinatorsThatFailOrAreFrozen_AreToldAgainAndHoldUpNobody()
    {
        var never = new TaskCompletionSource();
        var time = new FakeTimeProvider();
        var log = new FakeLogger<DeadSiloLeaseRelease>();
        var grains = new FakeGrains((sweepId, calls) => sweepId switch
        {
            "frozen-1" => never.Task,
            "broken-1" when calls == 1 => Task.FromException(new OrleansException("broken")),
            _ => Task.CompletedTask,
        });
        // Once released, a silo's leases have no sweeps any more.
        var sweeps = new ConcurrentDictionary<string, ImmutableArray<string>>
        {
            [First.ToParsableString()] = ["broken-1", "frozen-1", "good-1"], [Second.ToParsableString()] = ["good-2"],
        };
        var failures = 1;
        var store = Fake<ISweepStore>.Of((_, arguments) => Interlocked.Decrement(ref failures) >= 0
            ? Task.FromException<TakenTrials>(new StoreException("It is away."))
            : Task.FromResult(new TakenTrials(sweeps.TryRemove((string)arguments[0]!, out var own) ? own : [], LostTrials.None)));
        var membership = Fake<ISiloStatusOracle>.Of((method, _) => method == nameof(ISiloStatusOracle.GetApproximateSiloStatuses)
            ? new Dictionary<SiloAddress, SiloStatus> { [First] = SiloStatus.Dead }
            : true);
        using var release = new DeadSiloLeaseRelease(membership, store, grains.Factory, new(), time, log);
        await release.StartAsync(CancellationToken.None);
        await CalledAsync("frozen-1", 1);

        release.SiloStatusChangeNotification(Second, SiloStatus.Dead);
        // No time passes: the frozen one is still waited for.
        await Eventually.True(() => Task.FromResult(grains.Calls("good-2") == 1), "the next dead silo's sweep to be counted");
        await CalledAsync("broken-1", 2);
        await CalledAsync("frozen-1", 3);
        await Eventually.True(() =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return Task.FromResult(log.LatestRecord.Message.StartsWith("The coordinator of frozen-1 could not be told that silo ", StringComparison.Ordinal));
        }, "the frozen one to be given up");

        await release.StopAsync(CancellationToken.None);
        Assert.Equal((1, 1, 2, 3), (grains.Calls("good-1"), grains.Calls("good-2"), grains.Calls("broken-1"), grains.Calls("frozen-1")));

        Task CalledAsync(string sweep, int calls) => Eventually.True(() =>
        {
            if (grains.Calls(sweep) < calls)
                time.Advance(TimeSpan.FromSeconds(1));
            return Task.FromResult(grains.Calls(sweep) >= calls);
        }, $"call {calls} of {sweep}");
    }
}
