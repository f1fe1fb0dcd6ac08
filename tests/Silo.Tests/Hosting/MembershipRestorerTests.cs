using System.Diagnostics.Metrics;
using System.Net;
using CsCheck;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class MembershipRestorerTests : IDisposable
{
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
    public Task LookAsync_TableEmptiedOrFromLongAgo_AllSilosTogetherBringItBackUnderAHigherVersion() =>
        Gen.Select(Gen.Int[1, 6], Gen.Int[0, 5], Gen.Int[0, 2 * Known], Gen.Bool).SampleAsync(async (silos, kept, version, isNewcomer) =>
        {
            var members = Enumerable.Range(1, silos).Select(Member).ToList();
            var (table, restorers) = await KnowAsync(members);
            MembershipEntry[] left = [.. members.Take(Math.Min(kept, silos - 1)), .. isNewcomer ? [Member(99)] : Array.Empty<MembershipEntry>()];
            table.Become(version, left);

            await LookAsync(restorers);

            Assert.All([.. members, .. left], member => Assert.True(table.Has(member)));
            Assert.InRange(table.Version, Math.Max(Known, version) + 1, int.MaxValue);
        }, iter: 200);

    [Fact]
    public async Task LookAsync_TableThatLacksAnother_LeavesItAlone()
    {
        var (self, other) = (Member(1), Member(2));
        var (table, restorers) = await KnowAsync([self, other]);
        // Orleans deletes the rows of silos that died long ago.
        table.Become(Known + 1, [self]);

        await LookAsync(restorers.Take(1));

        Assert.False(table.Has(other));
        Assert.Equal(Known + 1, table.Version);
    }

    [Fact]
    public async Task LookAsync_BeforeTheSiloHasJoined_LeavesTheTableAlone()
    {
        var table = new MemoryTable(Known, [Member(2)]);

        await LookAsync([Restorer(table, Member(1))]);

        Assert.Equal(Known, table.Version);
    }

    private async Task<(MemoryTable Table, List<MembershipRestorer> Restorers)> KnowAsync(List<MembershipEntry> members)
    {
        var table = new MemoryTable(Known, members);
        var restorers = members.Select(member => Restorer(table, member)).ToList();
        await LookAsync(restorers);
        return (table, restorers);
    }

    private MembershipRestorer Restorer(MemoryTable table, MembershipEntry member) =>
        new(table, member.SiloAddress, _metrics, new FakeTimeProvider(), new FakeLogger<MembershipRestorer>());

    private static Task LookAsync(IEnumerable<MembershipRestorer> restorers) => Task.WhenAll(restorers.Select(restorer => restorer.LookAsync(CancellationToken.None)));

    private static MembershipEntry Member(int number) => new()
    {
        SiloAddress = SiloAddress.New(IPAddress.Loopback, 11_000 + number, 1), Status = SiloStatus.Active, SiloName = $"silo{number}",
    };
}
