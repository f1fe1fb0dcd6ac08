using System.Collections.Immutable;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace DeepTrain.Cluster.Silo.Monitoring;

/// <summary>What silos log, and how a cluster's silo writes it: to stderr, since stdout is for data.</summary>
internal static class SiloLog
{
    /// <summary>DeepTrain logs from Information, others from Warning; the listed categories, by prefix, from these levels.</summary>
    public static readonly ImmutableArray<(string Category, LogLevel From)> Levels =
    [
        ("DeepTrain", LogLevel.Information),
        // These warn at each start that the garbage collector is not the server's, which is intended, and that a thread has hung.
        ("Orleans.Runtime.Silo", LogLevel.Error),
        ("Orleans.Runtime.SiloLifecycleSubject", LogLevel.Warning),
        ("Orleans.Runtime.Watchdog", LogLevel.Error),
        // Silos are replaced by new ones at the same address. An unavailable Redis is logged once by the restorer.
        ("Orleans.Runtime.MembershipService.MembershipTableManager", LogLevel.Error),
        ("Orleans.Runtime.MembershipService.MembershipAgent", LogLevel.Error),
        ("Orleans.Runtime.MembershipService.MembershipSystemTarget", LogLevel.Error),
        // These log every attempt while another silo is unavailable, with the stack. The caller gets the error too and logs it once.
        ("Orleans.Runtime.Messaging", LogLevel.Error),
        ("Orleans.Messaging", LogLevel.Critical),
        ("Orleans.Runtime.GrainDirectory.GrainDirectoryHandoffManager", LogLevel.Error),
        ("Orleans.Runtime.GrainDirectory.ClientDirectory", LogLevel.Critical),
        ("Orleans.Runtime.GrainDirectory.LocalGrainDirectory", LogLevel.Error),
        ("Orleans.Runtime.GrainCallCancellationManager", LogLevel.Critical),
        ("Orleans.Runtime.MembershipService.SiloHealthMonitor", LogLevel.Error),
        ("Orleans.Runtime.Metadata", LogLevel.Error),
        ("Polly", LogLevel.Critical),
    ];

    private const string Timestamp = "yyyy-MM-ddTHH:mm:ss.fffZ";

    public static void Configure(ILoggingBuilder logging, LogFormat format)
    {
        logging.SetMinimumLevel(LogLevel.Warning);
        foreach (var (category, level) in Levels)
            logging.AddFilter(category, level);
        if (format is LogFormat.Json)
            logging.AddJsonConsole(console => (console.IncludeScopes, console.UseUtcTimestamp, console.TimestampFormat) = (true, true, Timestamp));
        else
            logging.AddSimpleConsole(console => (console.SingleLine, console.UseUtcTimestamp, console.TimestampFormat) = (true, true, $"{Timestamp} "));
        logging.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    }

    /// <summary>Writes one line before the silo's log exists or after it has ended; as text without time and category.</summary>
    public static void Write(LogFormat format, LogLevel level, string message)
    {
        if (format is LogFormat.Text)
        {
            Console.Error.WriteLine(level >= LogLevel.Error ? $"error: {message}" : message);
            return;
        }
        using var logs = LoggerFactory.Create(logging => Configure(logging, format));
        logs.CreateLogger("DeepTrain.Cluster.Silo").Log(level, "{Message}", message);
    }
}
