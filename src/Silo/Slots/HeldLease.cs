using System.Collections.Concurrent;
using DeepTrain.Cluster.Grains.Dispatch;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Slots;

/// <summary>A lease that a slot of this silo works under. The slot's thread and the renewer share it.</summary>
/// <param name="slot">The slot that works under it.</param>
/// <param name="sentAt">When the request was sent that granted it: the worker's deadline counts from there.</param>
/// <param name="deadline">How long after a request was sent the lease may be relied on without another answer.</param>
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

    /// <summary>How long ago it was asked for.</summary>
    public TimeSpan Age => time.GetElapsedTime(_began);

    /// <summary>How long ago a report of one of its trials became durable; null: none has.</summary>
    public TimeSpan? Quiet
    {
        get
        {
            lock (_gate)
                return _reportedAt is { } reported ? time.GetElapsedTime(reported) : null;
        }
    }

    /// <summary>Cancelled once the lease is lost: what is trained under it from then on is in vain.</summary>
    public CancellationToken Gone => _gone.Token;

    /// <summary>Whether the cohort is to be saved and given back at the end of its epoch.</summary>
    public bool IsPauseWanted { get; private set; }

    /// <summary>A renewal that was sent then has been answered with yes.</summary>
    public void Renewed(long sentAt, Wanted wanted)
    {
        lock (_gate)
        {
            IsPauseWanted = wanted is Wanted.Pause;
            _sentAt = Math.Max(_sentAt, sentAt);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>A report of one of its trials is durable.</summary>
    public void Reported()
    {
        lock (_gate)
            _reportedAt = time.GetTimestamp();
    }

    /// <summary>The lease's trials belong to others now, or to nobody.</summary>
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

    /// <summary>The store refused a write for this trial: another trains it, or it has its outcome.</summary>
    public void Refuse(TrialId trial) => _refused[trial] = true;

    public bool IsRefused(TrialId trial) => _refused.ContainsKey(trial);

    /// <summary>How many of its trials are another's.</summary>
    public int Refusals => _refused.Count;

    /// <summary>Returns at once while the lease is within its deadline; past it, waits until it is renewed or lost.</summary>
    /// <returns>False: lost, or the wait was cancelled.</returns>
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

    /// <summary>Nobody trains under it any more. An answer that was on its way may still come.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _ended = true;
            _gone.Dispose();
        }
    }
}
