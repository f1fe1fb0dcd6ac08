using System.Diagnostics.Metrics;
using System.Net;
using CsCheck;
using DeepTrain.Cluster.Silo.Hosting;
using DeepTrain.Cluster.Silo.Monitoring;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class MembershipRestorerTests : IDisposable
{
    /// <summary>The version of the last table that was whole.</summary>
    private const int Known = 20;

    private readonly TemporaryFolder _folder = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly ClusterMetrics _metrics;

    public MembershipRestorerTests() => _metrics = new(_services.GetRequiredService<IMeterFactory>(), new(), new(_folder.Root));

    public void Dispose()
    {
        _services.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public Task LookAsync_TableEmptiedOrFromLongAgo_AllSilosTogetherBringItBackAboveWhatEachGoesBy() =>
        Gen.Select(Gen.Int[1, 6], Gen.Int[0, 6], Gen.Int[0, 2 * Known], Gen.Int[0, 9], Gen.Bool).SampleAsync(async (silos, kept, version, ahead, isNewcomer) =>
        {
            var members = Enumerable.Range(1, silos).Select(number => Member(number)).ToList();
            // One that had died, and lives in what is from long ago.
            List<MembershipEntry> all = [.. members, Member(50, SiloStatus.Dead)];
            var taken = Known;
            var (table, restorers) = await KnowAsync(members, all, () => taken);
            // Orleans has heard of later changes than the last look.
            taken += ahead;
            var rows = members.Take(kept).Append(Member(50)).Concat(isNewcomer ? [Member(99)] : []).ToList();
            table.Become(version, rows);

            await LookAsync(restorers);

            if (kept < silos || version < taken)
            {
                Assert.All(rows.Concat(all), member => Assert.NotNull(table.StatusOf(member)));
                Assert.All(all, member => Assert.True(table.StatusOf(member) >= member.Status));
            }
            if (version < taken)
                Assert.InRange(table.Version, taken + 1, int.MaxValue);
        }, iter: 300);

    [Fact]
    public async Task LookAsync_TableThatLacksAnother_LeavesItAlone()
    {
        var (self, other) = (Member(1), Member(2));
        var (table, restorers) = await KnowAsync([self, other], [self, other], () => Known);
        // Orleans deletes the rows of silos that died long ago.
        table.Become(Known + 1, [self]);

        await LookAsync(restorers.Take(1));

        Assert.Null(table.StatusOf(other));
        Assert.Equal(Known + 1, table.Version);
    }

    [Fact]
    public async Task LookAsync_BeforeTheSiloHasJoined_LeavesTheTableAlone()
    {
        var table = new MemoryTable(Known, [Member(2)]);

        await LookAsync([Restorer(table, Member(1), () => Known)]);

        Assert.Equal(Known, table.Version);
    }

    private async Task<(MemoryTable Table, List<MembershipRestorer> Restorers)> KnowAsync(
        List<MembershipEntry> members, List<MembershipEntry> rows, Func<long> taken)
    {
        var table = new MemoryTable(Known, rows);
        var restorers = members.Select(member => Restorer(table, member, taken)).ToList();
        await LookAsync(restorers);
        return (table, restorers);
    }

    private MembershipRestorer Restorer(MemoryTable table, MembershipEntry member, Func<long> taken) =>
        new(table, member.SiloAddress, taken, _metrics, new FakeTimeProvider(), new FakeLogger<MembershipRestorer>());

    private static Task LookAsync(IEnumerable<MembershipRestorer> restorers) => Task.WhenAll(restorers.Select(restorer => restorer.LookAsync(CancellationToken.None)));

    private static MembershipEntry Member(int number, SiloStatus status = SiloStatus.Active) => new()
    {
        SiloAddress = SiloAddress.New(IPAddress.Loopback, 11_000 + number, 1), Status = status, SiloName = $"silo{number}",
    };
}
