using System.Collections.Concurrent;
using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Grains;

/// <summary>The trials of this silo that somebody wants to stop: set by trial grains, read by the slots between epochs.</summary>
public sealed class StopRequests
{
    private readonly ConcurrentDictionary<TrialId, long> _fences = new();

    public void Set(TrialId trial, long fence) => _fences[trial] = fence;

    public bool IsSet(TrialId trial, long fence) => _fences.TryGetValue(trial, out var wanted) && wanted == fence;

    public void Clear(TrialId trial) => _fences.TryRemove(trial, out _);
}
