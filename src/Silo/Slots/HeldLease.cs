using System.Collections.Concurrent;
using DeepTrain.Cluster.Grains.Dispatch;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Slots;

/// <summary>A lease that a slot of this silo holds. The slot's thread and the renewer share it.</summary>
/// <param name="slot">The slot that holds it.</param>
/// <param name="sentAt">When the granted request was sent: the worker's deadline counts from then.</param>
/// <param name="deadline">How long after its last granted request the lease is valid for the worker.</param>
internal sealed class HeldLease(string sweepId, Guid id, SlotId slot, long sentAt, TimeSpan deadline, TimeProvider time) : IDisposable
{
    private readonly ConcurrentDictionary<TrialId, bool> _refused = new();
    private readonly object _gate = new();
    private readonly CancellationTokenSource _gone = new();
    private readonly long _began = sentAt;
    private long _sentAt = sentAt;
    private long? _reportedAt;
    private bool _lost;
    private bool _ended;

    public string SweepId => sweepId;

    public Guid Id => id;

    public SlotId Slot => slot;

    /// <summary>How long ago it was requested.</summary>
    public TimeSpan Age => time.GetElapsedTime(_began);

    /// <summary>How long ago a report of one of its trials became durable; null if none has.</summary>
    public TimeSpan? Quiet
    {
        get
        {
            lock (_gate)
                return _reportedAt is { } reported ? time.GetElapsedTime(reported) : null;
        }
    }

    /// <summary>Cancelled once the lease is lost: later training under it would be wasted.</summary>
    public CancellationToken Gone => _gone.Token;

    /// <summary>Whether the cohort should be saved and given back at the end of its epoch.</summary>
    public bool IsPauseWanted { get; private set; }

    /// <summary>A renewal that was sent at this time was granted.</summary>
    public void Renewed(long sentAt, Wanted wanted)
    {
        lock (_gate)
        {
            IsPauseWanted = wanted is Wanted.Pause;
            _sentAt = Math.Max(_sentAt, sentAt);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>A report of one of its trials became durable.</summary>
    public void Reported()
    {
        lock (_gate)
            _reportedAt = time.GetTimestamp();
    }

    /// <summary>The lease no longer holds its trials.</summary>
    public void Lose()
    {
        lock (_gate)
        {
            _lost = true;
            Monitor.PulseAll(_gate);
            if (!_ended)
                _gone.Cancel();
        }
    }

    /// <summary>The store refused a write for this trial: another slot trains it, or it has an outcome.</summary>
    public void Refuse(TrialId trial) => _refused[trial] = true;

    public bool IsRefused(TrialId trial) => _refused.ContainsKey(trial);

    /// <summary>How many of its trials were refused.</summary>
    public int Refusals => _refused.Count;

    /// <summary>Returns at once while the lease is within its deadline; after that, waits until it is renewed or lost.</summary>
    /// <returns>False if it was lost or the wait was cancelled.</returns>
    public bool WaitUntilGood(CancellationToken cancellation)
    {
        using var registration = cancellation.Register(() =>
        {
            lock (_gate)
                Monitor.PulseAll(_gate);
        });
        lock (_gate)
        {
            while (!_lost && !cancellation.IsCancellationRequested && time.GetElapsedTime(_sentAt) >= deadline)
                Monitor.Wait(_gate);
            return !_lost && !cancellation.IsCancellationRequested;
        }
    }

    /// <summary>The slot no longer trains under it. A late answer may still arrive.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _ended = true;
            _gone.Dispose();
        }
    }
}
