using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo;

/// <summary>Work that is tried again until it succeeds: the log has a line when it begins to fail and one when it succeeds again, however often it is tried between.</summary>
/// <remarks>What comes and goes is told once a minute at most.</remarks>
/// <param name="what">What fails, as a sentence.</param>
internal sealed class Outage(string what, LogLevel level, ILogger log, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private long? _toldAt;
    private bool _isTold;

    public void Failed(Exception reason) => Failed(reason.Message);

    public void Failed(string reason)
    {
        lock (_lock)
        {
            if (_isTold || (_toldAt is { } last && time.GetElapsedTime(last) < Interval))
                return;
            (_isTold, _toldAt) = (true, time.GetTimestamp());
        }
        log.Log(level, "{What} It is tried again until it succeeds: {Reason}", what, reason);
    }

    public void Succeeded()
    {
        lock (_lock)
        {
            if (!_isTold)
                return;
            _isTold = false;
        }
        log.LogInformation("Over after {Seconds:0} s: {What}", time.GetElapsedTime(_toldAt!.Value).TotalSeconds, what);
    }
}
