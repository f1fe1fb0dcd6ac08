using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace DeepTrain.Cluster.Grains.Monitoring;

/// <summary>Tracing spans of sweeps: all spans of a sweep form one trace, whichever process they come from.</summary>
public static class SweepTraces
{
    /// <summary>The name of the source that listeners subscribe to.</summary>
    public const string Source = "DeepTrain.Cluster";

    private static readonly ActivitySource Spans = new(Source);

    /// <summary>Begins a span in a sweep's trace; null if there is no listener.</summary>
    public static Activity? Begin(string name, string sweepId) =>
        Spans.HasListeners() ? Spans.StartActivity(name, ActivityKind.Internal, Trace(sweepId))?.SetTag("deeptrain.sweep", sweepId) : null;

    /// <summary>Begins a span within the current one, or a root span; null if there is no listener.</summary>
    public static Activity? Begin(string name) => Spans.StartActivity(name);

    // Every process computes the same hash without communication.
    private static ActivityContext Trace(string sweepId)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(sweepId));
        return new(ActivityTraceId.CreateFromBytes(hash.AsSpan(0, 16)), ActivitySpanId.CreateFromBytes(hash.AsSpan(16, 8)), ActivityTraceFlags.Recorded);
    }
}
