using System.Collections.Immutable;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace DeepTrain.Cluster.Silo.Monitoring;

/// <summary>What silos log, and how one of a cluster writes it: to stderr, since stdout is data.</summary>
internal static class SiloLog
{
    /// <summary>Ours from Information, others from Warning; these less, by the beginning of their category.</summary>
    public static readonly ImmutableArray<(string Category, LogLevel From)> Levels =
    [
        ("DeepTrain", LogLevel.Information),
        // They say at each start that the collector is not the server's, as is meant, and that a thread has hung since the machine was started.
        ("Orleans.Runtime.Silo", LogLevel.Error),
        ("Orleans.Runtime.SiloLifecycleSubject", LogLevel.Warning),
        ("Orleans.Runtime.Watchdog", LogLevel.Error),
        // A silo that comes again at its address is how silos are replaced. Of a Redis that is away the restorer says it once.
        ("Orleans.Runtime.MembershipService.MembershipTableManager", LogLevel.Error),
        ("Orleans.Runtime.MembershipService.MembershipAgent", LogLevel.Error),
        ("Orleans.Runtime.MembershipService.MembershipSystemTarget", LogLevel.Error),
        // Of each try while another silo is away, with its stack. Whoever called hears of it too, and says it once.
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

    /// <summary>One line of a program that is no silo yet, or none any more; to people without time and category.</summary>
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
