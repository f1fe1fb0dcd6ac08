using System.Collections.Concurrent;

namespace DeepTrain.Cluster.Grains;

/// <summary>The running sweeps whose coordinator lives in this process, as it last saw them: what gauges report.</summary>
/// <remarks>A coordinator puts its sweep here and takes it away, so a sweep that moved or ended is gone from the next scrape.</remarks>
public sealed class ActiveSweeps
{
    private readonly ConcurrentDictionary<string, SweepProgress> _sweeps = new();

    public IEnumerable<SweepProgress> All => _sweeps.Values;

    internal void Set(SweepProgress progress) => _sweeps[progress.SweepId] = progress;

    internal void Remove(string sweepId) => _sweeps.TryRemove(sweepId, out _);
}
