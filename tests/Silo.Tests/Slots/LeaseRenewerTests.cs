using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Dispatch;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Silo.Slots;
using Microsoft.Extensions.Logging.Testing;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class LeaseRenewerTests : IAsyncLifetime
{
    private static readonly LeaseTimes Times = new();
    private static readonly SlotId Slot = new("silo", 0);

    private readonly SlotParts _parts = new();
    private readonly FakeLogger<LeaseRenewer> _log = new();
    private readonly LeaseRenewer _renewer;

    public LeaseRenewerTests() => _renewer = new(_parts.Grains.Factory, Times, _parts.Metrics, _parts.Time, _log);

    public async ValueTask InitializeAsync() => await _renewer.StartAsync(CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await _renewer.StopAsync(CancellationToken.None);
        _renewer.Dispose();
        _parts.Dispose();
    }

    [Fact]
    public async Task Hold_LeasesOfTwoSweeps_AreRenewedInOneCallEach()
    {
        var calls = new List<(string Sweep, int Leases)>();
        Renew((sweep, leases) =>
        {
            lock (calls)
                calls.Add((sweep, leases.Length));
            return Task.FromResult(All(leases, Wanted.Train));
        });
        using var first = Hold("digits-1");
        using var second = Hold("digits-1");
        using var other = Hold("other-1");

        await _parts.AdvanceUntilAsync(Times.Renewal, () => calls.Count >= 2, "a renewal");

        Assert.Equal([("digits-1", 2), ("other-1", 1)], calls.Take(2).Order());
    }

    [Fact]
    public async Task Renewal_AnswerSaysPause_IsPassedOn()
    {
        Renew((_, leases) => Task.FromResult(All(leases, Wanted.Pause)));
        using var lease = Hold("digits-1");

        await _parts.AdvanceUntilAsync(Times.Renewal, () => lease.IsPauseWanted, "the pause");
    }

    [Fact]
    public async Task Renewal_LeaseIsNotInTheAnswer_IsLostAndTheOthersAreNot()
    {
        using var taken = Hold("digits-1");
        using var kept = Hold("digits-1");
        var gone = taken.Gone;
        Renew((_, leases) => Task.FromResult(All([.. leases.Where(lease => lease.Lease != taken.Id)], Wanted.Train)));

        await _parts.AdvanceUntilAsync(Times.Renewal, () => gone.IsCancellationRequested, "the loss");

        Assert.False(taken.WaitUntilGood(CancellationToken.None));
        Assert.False(kept.Gone.IsCancellationRequested);
    }

    [Fact]
    public async Task Renewal_CoordinatorDoesNotAnswer_IsNoVerdict()
    {
        var calls = 0;
        Renew((_, _) =>
        {
            Interlocked.Increment(ref calls);
            throw new TimeoutException("no answer");
        });
        using var lease = Hold("digits-1");

        await _parts.AdvanceUntilAsync(Times.Renewal, () => calls >= 3, "three renewals");

        Assert.False(lease.Gone.IsCancellationRequested);
        Assert.Contains("digits-1: no answer", _log.Collector.GetSnapshot()[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Renewal_OneCoordinatorHangs_TheOthersGoOn()
    {
        var renewed = 0;
        var answer = new TaskCompletionSource<ImmutableDictionary<Guid, Wanted>>();
        Renew((sweep, leases) =>
        {
            if (sweep == "hangs-1")
                return answer.Task;
            Interlocked.Increment(ref renewed);
            return Task.FromResult(All(leases, Wanted.Train));
        });
        using var hangs = Hold("hangs-1");
        using var lease = Hold("digits-1");

        await _parts.AdvanceUntilAsync(Times.Renewal, () => renewed >= 3, "three renewals of the other sweep's lease");
        answer.SetResult(ImmutableDictionary<Guid, Wanted>.Empty);
    }

    [Fact]
    public async Task Drop_Lease_IsNotRenewedAnyMore()
    {
        var renewed = new HashSet<Guid>();
        Renew((_, leases) =>
        {
            lock (renewed)
                renewed.UnionWith(leases.Select(lease => lease.Lease));
            return Task.FromResult(All(leases, Wanted.Train));
        });
        using var dropped = Hold("digits-1");
        using var kept = Hold("digits-1");

        _renewer.Drop(dropped);
        await _parts.AdvanceUntilAsync(Times.Renewal, () => renewed.Count > 0, "a renewal");

        Assert.Equal(kept.Id, Assert.Single(renewed));
    }

    private HeldLease Hold(string sweepId) => _renewer.Hold(sweepId, Guid.NewGuid(), Slot, _parts.Time.GetTimestamp());

    private void Renew(Func<string, ImmutableArray<RenewedLease>, Task<ImmutableDictionary<Guid, Wanted>>> answer) =>
        _parts.Grains.On("Sweep.Renew", (sweep, arguments) => answer(sweep, (ImmutableArray<RenewedLease>)arguments[0]!));

    private static ImmutableDictionary<Guid, Wanted> All(ImmutableArray<RenewedLease> leases, Wanted wanted) =>
        leases.ToImmutableDictionary(lease => lease.Lease, _ => wanted);
}
