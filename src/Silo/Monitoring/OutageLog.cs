using DeepTrain.Cluster.Grains.Store;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace DeepTrain.Cluster.Silo.Monitoring;

/// <summary>Logs outages of work that is retried until it succeeds: one line when it begins to fail, one when it succeeds.</summary>
/// <remarks>Short outages are logged at most once a minute, a lasting one again after an hour.</remarks>
/// <param name="what">What fails, as a sentence.</param>
internal sealed class OutageLog(string what, LogLevel level, ILogger log, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Reminder = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private long? _since;
    private long? _toldAt;
    private bool _isTold;

    /// <param name="of">The item that it failed for, if there are several.</param>
    public void Failed(Exception reason, string? of = null) =>
        // Errors of unavailable servers and silos are logged in short; any other may be a program error and is logged in full.
        Failed(of is null ? InAWord(reason) : $"{of}: {InAWord(reason)}",
            reason is OrleansException or TimeoutException or StoreException or IOException or RedisException ? null : reason);

    public void Failed(string reason, Exception? exception = null)
    {
        lock (_lock)
        {
            var now = time.GetTimestamp();
            _since ??= now;
            if (_toldAt is { } last && time.GetElapsedTime(last, now) < (_isTold ? Reminder : Interval))
                return;
            (_isTold, _toldAt) = (true, now);
        }
        log.Log(level, exception, "{What} It is tried again until it succeeds: {Reason}", what, reason);
    }

    public void Succeeded()
    {
        TimeSpan lasted;
        lock (_lock)
        {
            var wasTold = _isTold;
            lasted = _since is { } since ? time.GetElapsedTime(since) : TimeSpan.Zero;
            (_since, _isTold) = (null, false);
            if (!wasTold)
                return;
        }
        log.LogInformation("Over after {Seconds:0} s: {What}", lasted.TotalSeconds, what);
    }

    private static string InAWord(Exception reason) => reason switch
    {
        OrleansException when reason.Message.StartsWith("No active nodes are compatible", StringComparison.Ordinal) =>
            "no coordinator is active.",
        // The client appends the state of its queues after a comma.
        RedisConnectionException or RedisTimeoutException => $"{reason.Message.Split(", ")[0]}.",
        _ => reason.Message,
    };
}
