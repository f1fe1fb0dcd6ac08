using DeepTrain.Cluster.Grains.Monitoring;

namespace DeepTrain.Cluster.Grains.Sweeps;

/// <summary>How fast a sweep goes, from when somebody began to watch it.</summary>
public sealed class Pace(TimeProvider time)
{
    private readonly long _began = time.GetTimestamp();
    private int? _endedBefore;

    public ProgressView Look(SweepProgress progress)
    {
        _endedBefore ??= progress.Ended;
        var elapsed = time.GetElapsedTime(_began);
        var ended = progress.Ended - _endedBefore.Value;
        var rate = ended / Math.Max(elapsed.TotalSeconds, 0.001);
        var left = ended > 0 ? TimeSpan.FromSeconds((progress.Total - progress.Ended) / rate) : (TimeSpan?)null;
        return new(progress, elapsed, rate, left);
    }
}

/// <param name="TrialsPerSecond">Trials that ended while it was watched, over the time.</param>
/// <param name="Left">Null before the first of them ended.</param>
public sealed record ProgressView(SweepProgress Progress, TimeSpan Elapsed, double TrialsPerSecond, TimeSpan? Left);
