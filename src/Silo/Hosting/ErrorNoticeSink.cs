using System.Collections.Concurrent;
using System.Globalization;
using Serilog.Core;
using Serilog.Events;

namespace DeepTrain.Cluster.Silo.Hosting;

/// <summary>Shows the user the program's own errors, which otherwise only the log file has; each kind once a minute.</summary>
internal sealed class ErrorNoticeSink(Action<string> tell, TimeProvider time) : ILogEventSink
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, long> _told = [];

    public void Emit(LogEvent logEvent)
    {
        if (logEvent.Level < LogEventLevel.Error || !IsOurs(logEvent) || !IsDue(logEvent.MessageTemplate.Text))
            return;
        var message = logEvent.RenderMessage(CultureInfo.InvariantCulture);
        tell(logEvent.Exception is { } exception ? $"{message} {exception.Message}" : message);
    }

    private static bool IsOurs(LogEvent logEvent) =>
        logEvent.Properties.TryGetValue(Constants.SourceContextPropertyName, out var source)
        && source is ScalarValue { Value: string name } && name.StartsWith("DeepTrain.", StringComparison.Ordinal);

    private bool IsDue(string kind)
    {
        var now = time.GetTimestamp();
        if (_told.TryAdd(kind, now))
            return true;
        var last = _told[kind];
        return time.GetElapsedTime(last, now) >= Interval && _told.TryUpdate(kind, now, last);
    }
}
