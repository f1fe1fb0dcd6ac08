using System.Collections.Immutable;
using System.Net;
using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Grains.Tests;
using DeepTrain.Cluster.Sweeps;
using Microsoft.Extensions.Logging.Abstractions;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class DeadSilosTests
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
                sweep.Cells.Select(cell => cell.Configuration.FusionKey).Distinct().ToImmutableDictionary(key => key, _ => new Grains.CohortLimit(trials, true)),
                silo: silo.ToParsableString()));
        var active = new ActiveSweeps();
        var watcher = new DeadSilos(cluster.Membership, cluster.Store, cluster.Grains, active, TimeProvider.System, NullLogger<DeadSilos>.Instance);
        await watcher.StartAsync(CancellationToken.None);

        watcher.SiloStatusChangeNotification(First, status);
        // Silos are dealt with in order: when the second one's trials wait, the first one has had its turn.
        watcher.SiloStatusChangeNotification(Second, SiloStatus.Dead);

        await Eventually.True(async () => (await cluster.OverviewAsync()).Leased == leased, $"{leased} trials to stay leased");
        await Eventually.True(async () => (await cluster.Sweep.GetProgress())!.Waiting == 3 - leased, "the coordinator to know it");
        Assert.Equal(3 - leased, active.Expired);
        await watcher.StopAsync(CancellationToken.None);
    }
}
