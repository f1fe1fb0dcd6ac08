using System.Collections.Concurrent;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Grains.Trials;

/// <summary>The trials that this silo's slots train, the progress of each, and which of them should stop.</summary>
/// <remarks>Slots write and trial grains read it: an epoch needs no grain call. Lookups with another fence find nothing.</remarks>
public sealed class TrialsInTraining
{
    private readonly ConcurrentDictionary<TrialId, Training> _trials = new();

    public void Begin(TrialId trial, long fence) => _trials[trial] = new(fence);

    /// <summary>Records an epoch that was trained and is not yet durable.</summary>
    public void Report(EpochReport report, long fence)
    {
        if (Find(report.Trial, fence) is { } training)
            training.Last = report;
    }

    /// <summary>The last report of a trial in training; null if there is none yet or the trial is not in training.</summary>
    public EpochReport? LastReport(TrialId trial, long fence) => Find(trial, fence)?.Last;

    /// <summary>Ends the trial after its next epoch. Returns false if it is not in training or has ended.</summary>
    public bool Stop(TrialId trial, long fence)
    {
        if (Find(trial, fence) is not { Last: null or { Ending: null } } training)
            return false;
        training.IsStopWanted = true;
        return true;
    }

    public bool IsStopWanted(TrialId trial, long fence) => Find(trial, fence) is { IsStopWanted: true };

    /// <summary>The store has judged the trial's ending, or its slot has given the trial up.</summary>
    public void End(TrialId trial, long fence)
    {
        if (Find(trial, fence) is { } training)
            _trials.TryRemove(new(trial, training));
    }

    private Training? Find(TrialId trial, long fence) => _trials.TryGetValue(trial, out var training) && training.Fence == fence ? training : null;

    private sealed class Training(long fence)
    {
        private volatile EpochReport? _last;
        private volatile bool _isStopWanted;

        public long Fence => fence;

        public EpochReport? Last
        {
            get => _last;
            set => _last = value;
        }

        public bool IsStopWanted
        {
            get => _isStopWanted;
            set => _isStopWanted = value;
        }
    }
}
