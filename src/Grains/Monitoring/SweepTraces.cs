using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace DeepTrain.Cluster.Grains.Monitoring;

/// <summary>Spans over a sweep: all of one sweep are one trace, whichever process they come from.</summary>
public static class SweepTraces
{
    /// <summary>The name of the source that listeners ask for.</summary>
    public const string Source = "DeepTrain.Cluster";

    private static readonly ActivitySource Spans = new(Source);

    /// <summary>Begins a span in a sweep's trace; null where nobody listens.</summary>
    public static Activity? Begin(string name, string sweepId) =>
        Spans.HasListeners() ? Spans.StartActivity(name, ActivityKind.Internal, Trace(sweepId))?.SetTag("deeptrain.sweep", sweepId) : null;

    /// <summary>Begins a span within the thread's current one, or by itself; null where nobody listens.</summary>
    public static Activity? Begin(string name) => Spans.StartActivity(name);

    // A hash is what every process knows without being told.
    private static ActivityContext Trace(string sweepId)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(sweepId));
        return new(ActivityTraceId.CreateFromBytes(hash.AsSpan(0, 16)), ActivitySpanId.CreateFromBytes(hash.AsSpan(16, 8)), ActivityTraceFlags.Recorded);
    }
}
