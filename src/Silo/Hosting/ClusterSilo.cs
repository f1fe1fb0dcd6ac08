using DeepTrain.Cluster.Training;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo;

/// <summary>One silo of a cluster: coordinator, worker or both, with PostgreSQL as its store and Redis as its membership.</summary>
internal static class ClusterSilo
{
    /// <summary>One may wait for a lock while the other renews leases.</summary>
    private const int StoreConnections = 2;

    private const string Timestamp = "yyyy-MM-ddTHH:mm:ss.fffZ";

    /// <summary>Serves until it is told to end; then gives back what it has not finished, within the grace.</summary>
    public static async Task RunAsync(SiloSettings settings, ClusterServers servers, TimeProvider time, CancellationToken cancellation)
    {
        SiloPorts.Check(settings);
        var trains = settings.Role.HasFlag(SiloRole.Worker);
        // Loading libtorch takes as long as all the rest of starting.
        var worker = trains ? Task.Run(() => Worker.Find(settings.Device, settings.Tf32, WriteWarning), cancellation) : null;
        await Membership.CheckAsync(servers.Redis);
        await using var store = await PostgresSweepStore.OpenAsync(servers.Postgres, StoreConnections, time, cancellation);
        var folder = new DataFolder(settings.Data);
        folder.Create();
        using var host = Build(settings, servers, store, folder, worker is null ? null : await worker, time);
        await host.StartAsync(cancellation);
        host.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(ClusterSilo)).LogInformation(
            "silo {Silo} is active at {Address}:{Port} ({Roles})", settings.SiloName, settings.Address, settings.SiloPort, Roles(settings.Role));
        await host.WaitForShutdownAsync(cancellation);
    }

    private static string Roles(SiloRole role) => role is SiloRole.Both ? "coordinator, worker" : $"{role}".ToLowerInvariant();

    private static IHost Build(
        SiloSettings settings, ClusterServers servers, PostgresSweepStore store, DataFolder folder, Worker? worker, TimeProvider time)
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = settings.Grace);
        builder.Services.AddSingleton<IHostLifetime, CallersLifetime>();
        builder.Logging.SetMinimumLevel(LogLevel.Warning).AddFilter("DeepTrain", LogLevel.Information)
            // They say at each start that the collector is not the server's, as is meant, and that a thread has hung since the machine was started.
            .AddFilter((category, level) =>
                level >= (category is "Orleans.Runtime.Silo" or "Orleans.Runtime.Watchdog" ? LogLevel.Error : LogLevel.Warning));
        if (settings.LogFormat is LogFormat.Json)
            builder.Logging.AddJsonConsole(console => (console.IncludeScopes, console.UseUtcTimestamp, console.TimestampFormat) = (true, true, Timestamp));
        else
            builder.Logging.AddSimpleConsole(console => (console.SingleLine, console.UseUtcTimestamp, console.TimestampFormat) = (true, true, $"{Timestamp} "));
        // stdout is data.
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(
            console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.UseOrleans(silo => silo.UseMembership(settings, servers));
        builder.Services.AddCommon(store, folder, settings.LeaseTimes, time);
        if (settings.Role.HasFlag(SiloRole.Coordinator))
            builder.Services.AddCoordinator();
        builder.Services.AddMonitoring(settings.MetricsPort is { } port ? new(settings.Address, port) : null, settings.Otlp, WriteWarning);
        if (worker is not null)
            builder.Services.AddWorker(
                new(worker.Slots(settings.Slots), settings.CheckpointInterval, settings.Grace / 2), worker.Provenance,
                worker.Trainers(worker.Slots(settings.Slots), Sources(settings, folder), settings.Commands, time));
        return builder.Build();
    }

    private static DatasetSources Sources(SiloSettings settings, DataFolder folder) =>
        DatasetSources.Default with { Given = settings.Datasets, Kept = folder.Datasets };

    private static void WriteWarning(string message) => Console.Error.WriteLine($"warning: {message}");
}
