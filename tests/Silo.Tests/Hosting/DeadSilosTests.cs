using System.Net;
using DeepTrain.Cluster.Grains.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class DeadSilosTests
{
    [Theory]
    [InlineData(SiloStatus.Dead, 2)]
    [InlineData(SiloStatus.ShuttingDown, 0)]
    public async Task SiloStatusChangeNotification_OfALeaseHolder_LetsItsTrialsWaitOnlyIfItIsDead(SiloStatus status, int waiting)
    {
        var silo = SiloAddress.New(IPAddress.Loopback, 11_111, 1);
        var (fixture, coordinator) = await StoreFixture.CreateAsync(Sample.Sweep(1, 2));
        await using var owned = fixture;
        await fixture.GrantAsync(coordinator, Sample.Request(2, silo: silo.ToParsableString()));
        // Membership is only asked to subscribe, which the test stands in for.
        var watcher = new DeadSilos(null!, fixture.Store, NullLogger<DeadSilos>.Instance);

        watcher.SiloStatusChangeNotification(silo, status);

        // What the watcher started is queued before this renewal of nothing.
        await fixture.Store.RenewAsync(coordinator, [], Sample.LeaseTime);
        await Eventually.True(async () => (await fixture.OverviewAsync()).Waiting == waiting, $"{waiting} trials to wait");
    }
}
