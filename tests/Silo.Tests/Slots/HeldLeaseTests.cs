using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Grains.Tests;
using DeepTrain.Cluster.Silo.Slots;
using DeepTrain.Cluster.Sweeps.Trials;
using Microsoft.Extensions.Time.Testing;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class HeldLeaseTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly WatchedTime _time = new();
    private readonly HeldLease _lease;
    private Thread _waiting = null!;

    public HeldLeaseTests() => _lease = new("digits-1", Guid.NewGuid(), new("silo", 0), _time.GetTimestamp(), Deadline, _time);

    public void Dispose() => _lease.Dispose();

    [Fact]
    public void Lose_InTraining_BreaksTheEpochOff()
    {
        var gone = _lease.Gone;
        _lease.Lose();
        Assert.True(gone.IsCancellationRequested);
    }

    [Fact]
    public void Lose_AfterTheWorkEnded_IsTooLateToMatter()
    {
        _lease.Dispose();
        _lease.Lose();
        Assert.False(_lease.WaitUntilGood(CancellationToken.None));
    }

    [Fact]
    public void Quiet_SinceTheLastReportThatIsDurable()
    {
        Assert.Null(_lease.Quiet);
        _lease.Reported();
        _time.Advance(TimeSpan.FromSeconds(7));
        Assert.Equal(TimeSpan.FromSeconds(7), _lease.Quiet);
        _lease.Reported();
        Assert.Equal(TimeSpan.Zero, _lease.Quiet);
    }

    [Fact]
    public void IsPauseWanted_WhatTheLastAnswerSaid()
    {
        _lease.Renewed(_time.GetTimestamp(), Wanted.Pause);
        Assert.True(_lease.IsPauseWanted);
        _lease.Renewed(_time.GetTimestamp(), Wanted.Train);
        Assert.False(_lease.IsPauseWanted);
    }

    [Fact]
    public void WaitUntilGood_WithinTheDeadline_ReturnsAtOnce()
    {
        _time.Advance(Deadline - TimeSpan.FromTicks(1));

        Assert.True(_lease.WaitUntilGood(CancellationToken.None));
    }

    [Fact]
    public async Task WaitUntilGood_PastTheDeadline_ParksUntilARenewal()
    {
        _time.Advance(Deadline);
        var parked = await ParkAsync(CancellationToken.None);

        _lease.Renewed(_time.GetTimestamp(), Wanted.Train);

        Assert.True(await parked.WaitAsync(Patience));
    }

    [Fact]
    public async Task WaitUntilGood_AnswerToAnOldRequest_DoesNotRevive()
    {
        var sentAt = _time.GetTimestamp();
        _time.Advance(Deadline);
        var parked = await ParkAsync(CancellationToken.None);

        // What counts is when the renewal was asked for, not when its answer came.
        var looks = _time.Looks;
        _lease.Renewed(sentAt, Wanted.Train);
        await WaitsAsync(after: looks);

        _lease.Lose();
        Assert.False(await parked.WaitAsync(Patience));
    }

    [Fact]
    public async Task WaitUntilGood_Lost_EndsTheWaitAndStaysLost()
    {
        _time.Advance(Deadline);
        var parked = await ParkAsync(CancellationToken.None);

        _lease.Lose();
        _lease.Renewed(_time.GetTimestamp(), Wanted.Train);

        Assert.False(await parked.WaitAsync(Patience));
        Assert.False(_lease.WaitUntilGood(CancellationToken.None));
    }

    [Fact]
    public async Task WaitUntilGood_Cancelled_EndsTheWait()
    {
        using var stopping = new CancellationTokenSource();
        _time.Advance(Deadline);
        var parked = await ParkAsync(stopping.Token);

        await stopping.CancelAsync();

        Assert.False(await parked.WaitAsync(Patience));
    }

    [Fact]
    public void Refuse_OneTrial_LeavesTheOthers()
    {
        var (refused, other) = (new TrialId("digits-1", "0123456789abcdef", 1), new TrialId("digits-1", "0123456789abcdef", 2));

        _lease.Refuse(refused);

        Assert.True(_lease.IsRefused(refused));
        Assert.False(_lease.IsRefused(other));
    }

    /// <summary>Waits for the lease on a thread of its own, and returns when that thread is seen to wait.</summary>
    private async Task<Task<bool>> ParkAsync(CancellationToken stopping)
    {
        var looks = _time.Looks;
        var result = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting = new Thread(() => result.SetResult(_lease.WaitUntilGood(stopping))) { IsBackground = true };
        _waiting.Start();
        await WaitsAsync(after: looks);
        return result.Task;
    }

    /// <param name="after">So often the clock had been looked at before the thread found that it has to wait.</param>
    private Task WaitsAsync(long after) => Eventually.True(
        () => Task.FromResult(_time.Looks > after && _waiting.ThreadState.HasFlag(ThreadState.WaitSleepJoin)), "the thread to wait for its lease");

    /// <summary>A clock that counts how often it is looked at: a thread that waits for its lease looks once each time that it is woken.</summary>
    private sealed class WatchedTime : FakeTimeProvider
    {
        private long _looks;

        public long Looks => Interlocked.Read(ref _looks);

        public override long GetTimestamp()
        {
            Interlocked.Increment(ref _looks);
            return base.GetTimestamp();
        }
    }
}
