using DeepTrain.Cluster.Grains.Monitoring;

namespace DeepTrain.Cluster.Grains.Sweeps;

/// <summary>How fast a sweep progresses, measured since this object was created.</summary>
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

/// <param name="TrialsPerSecond">The trials that ended while the sweep was watched, divided by the time.</param>
/// <param name="Left">The estimated remaining time; null before the first trial ended.</param>
public sealed record ProgressView(SweepProgress Progress, TimeSpan Elapsed, double TrialsPerSecond, TimeSpan? Left);
