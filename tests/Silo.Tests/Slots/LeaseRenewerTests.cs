using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Grains.Tests;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class LeaseRenewerTests : IDisposable
{
    private static readonly LeaseTimes Times = new();

    private readonly TemporaryFolder _folder = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly FakeTimeProvider _time = new();
    private readonly FakeLogger<LeaseRenewer> _log = new();

    public void Dispose()
    {
        _services.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task RunRoundAsync_LeaseThatTheAnswerLacks_IsLostAndTheOthersAreRenewed()
    {
        using var kept = Lease("a-1");
        using var paused = Lease("a-1");
        using var lost = Lease("a-1");
        using var renewer = Renewer(new((_, _) => Task.FromResult(ImmutableDictionary<Guid, Wanted>.Empty.Add(kept.Id, Wanted.Train).Add(paused.Id, Wanted.Pause))),
            kept, paused, lost);
        _time.Advance(Times.WorkerDeadline - TimeSpan.FromSeconds(1));

        await renewer.RunRoundAsync(CancellationToken.None);
        // Longer than the first request would have lasted.
        _time.Advance(TimeSpan.FromSeconds(2));

        Assert.True(kept.WaitUntilGood(CancellationToken.None));
        Assert.True(paused.WaitUntilGood(CancellationToken.None));
        Assert.Equal((false, true), (kept.IsPauseWanted, paused.IsPauseWanted));
        Assert.True(lost.Gone.IsCancellationRequested);
        Assert.Equal($"Lease {lost.Id} of a-1 is lost: its coordinator no longer renews it.", Assert.Single(_log.Collector.GetSnapshot()).Message);
    }

    [Fact]
    public async Task RunRoundAsync_CoordinatorThatIsFrozenOrFails_LosesNoLeaseAndHoldsUpNobody()
    {
        var never = new TaskCompletionSource<ImmutableDictionary<Guid, Wanted>>();
        using var frozen = Lease("frozen-1");
        using var failing = Lease("failing-1");
        using var good = Lease("good-1");
        var grains = new FakeGrains((sweepId, _) => sweepId switch
        {
            "frozen-1" => never.Task,
            "failing-1" => Task.FromException<ImmutableDictionary<Guid, Wanted>>(new OrleansException("failing")),
            _ => Task.FromResult(ImmutableDictionary<Guid, Wanted>.Empty.Add(good.Id, Wanted.Pause)),
        });
        using var renewer = Renewer(grains, frozen, failing, good);

        var round = renewer.RunRoundAsync(CancellationToken.None);
        await Eventually.True(() => Task.FromResult(good.IsPauseWanted), "the good one's lease to be renewed");
        Assert.False(round.IsCompleted);
        _time.Advance(Times.Renewal);
        await round;

        Assert.All((HeldLease[])[frozen, failing], lease => Assert.False(lease.Gone.IsCancellationRequested));
        Assert.StartsWith("Leases cannot be renewed. It is tried again until it succeeds: ", Assert.Single(_log.Collector.GetSnapshot()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunRoundAsync_LeaseThatWasDropped_IsNotRenewed()
    {
        using var lease = Lease("a-1");
        var grains = new FakeGrains((_, _) => Task.FromResult(ImmutableDictionary<Guid, Wanted>.Empty));
        using var renewer = Renewer(grains, lease);
        renewer.Drop(lease);

        await renewer.RunRoundAsync(CancellationToken.None);

        Assert.Equal(0, grains.Calls("a-1"));
        Assert.False(lease.Gone.IsCancellationRequested);
    }

    private HeldLease Lease(string sweepId) => new(sweepId, Guid.NewGuid(), new("silo", 0), _time.GetTimestamp(), Times.WorkerDeadline, _time);

    private LeaseRenewer Renewer(FakeGrains grains, params HeldLease[] leases)
    {
        var renewer = new LeaseRenewer(
            grains.Factory, Times, new(_services.GetRequiredService<IMeterFactory>(), new(), new(_folder.Root)), _time, _log);
        foreach (var lease in leases)
            renewer.Hold(lease);
        return renewer;
    }
}
