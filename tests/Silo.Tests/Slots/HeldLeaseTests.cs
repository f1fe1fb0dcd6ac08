using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Sweeps;
using Microsoft.Extensions.Time.Testing;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class HeldLeaseTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly FakeTimeProvider _time = new();
    private readonly HeldLease _lease;

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
        var parked = Park(CancellationToken.None);
        Assert.False(parked.IsCompleted);

        _lease.Renewed(_time.GetTimestamp(), Wanted.Train);

        Assert.True(await parked.WaitAsync(Patience));
    }

    [Fact]
    public async Task WaitUntilGood_AnswerToAnOldRequest_DoesNotRevive()
    {
        var sentAt = _time.GetTimestamp();
        _time.Advance(Deadline);
        var parked = Park(CancellationToken.None);

        // What counts is when the renewal was asked for, not when its answer came.
        _lease.Renewed(sentAt, Wanted.Train);
        Assert.False(parked.IsCompleted);

        _lease.Lose();
        Assert.False(await parked.WaitAsync(Patience));
    }

    [Fact]
    public async Task WaitUntilGood_Lost_EndsTheWaitAndStaysLost()
    {
        _time.Advance(Deadline);
        var parked = Park(CancellationToken.None);

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
        var parked = Park(stopping.Token);

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

    private Task<bool> Park(CancellationToken stopping)
    {
        var started = new TaskCompletionSource();
        var waiting = Task.Factory.StartNew(
            () =>
            {
                started.SetResult();
                return _lease.WaitUntilGood(stopping);
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        started.Task.Wait(CancellationToken.None);
        return waiting;
    }
}
