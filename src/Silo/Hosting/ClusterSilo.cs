using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Silo.Monitoring;
using DeepTrain.Cluster.Silo.Settings;
using DeepTrain.Cluster.Silo.Slots;
using DeepTrain.Cluster.Silo.Storage.Postgres;
using DeepTrain.Cluster.Training.Data;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo.Hosting;

/// <summary>One silo of a cluster: coordinator, worker or both, with PostgreSQL as its store and Redis for membership.</summary>
internal static class ClusterSilo
{
    /// <summary>One connection may wait for a lock while the other renews leases.</summary>
    private const int StoreConnections = 2;

    /// <summary>How long after its grace period a silo may still be ending.</summary>
    private static readonly TimeSpan LastPatience = TimeSpan.FromSeconds(3);

    /// <summary>Serves until it is asked to end, then gives back what it has not finished, within the grace period.</summary>
    public static async Task RunAsync(SiloSettings settings, ClusterServers servers, TimeProvider time, CancellationToken cancellation)
    {
        // Created before the host, which may take long to build and may never start.
        using var logs = LoggerFactory.Create(logging => SiloLog.Configure(logging, settings.LogFormat));
        var log = logs.CreateLogger(typeof(ClusterSilo));
        SiloPorts.Check(settings);
        var trains = settings.Role.HasFlag(SiloRole.Worker);
        // Loading libtorch takes as long as the rest of the start.
        var devices = trains ? Task.Run(() => TrainingDevices.Find(settings.Device, settings.Tf32, Warn), cancellation) : null;
        await Membership.CheckWritableAsync(servers);
        await using var store = await PostgresSweepStore.OpenAsync(servers.Postgres, StoreConnections, time, cancellation);
        var folder = new DataFolder(settings.Data);
        folder.Create();
        using (var host = Build(settings, servers, store, folder, devices is null ? null : await devices, time, logs, Warn))
        {
            await host.StartAsync(cancellation);
            log.LogInformation(
                "silo {Silo} is active at {Address}:{Port} ({Roles})", settings.SiloName, settings.Address, settings.SiloPort, Roles(settings.Role));
            var lifetime = host.Services.GetRequiredService<IHostApplicationLifetime>();
            await using var ending = lifetime.ApplicationStopping.Register(() => log.LogInformation(
                "silo {Silo} is ending; it has {Grace:0} s to save and give back what it trains", settings.SiloName, settings.Grace.TotalSeconds));
            var ended = host.WaitForShutdownAsync(cancellation);
            if (await Task.WhenAny(ended, OverdueAsync(lifetime.ApplicationStopping)) != ended)
            {
                // If Redis does not answer, Orleans takes minutes to give up leaving. What slots have saved is durable by now.
                log.LogWarning("silo {Silo} could not leave the table of members in time; the others will find it dead", settings.SiloName);
                logs.Dispose();
                Environment.Exit(0);
            }
            await ended;
        }
        log.LogInformation("silo {Silo} has ended", settings.SiloName);

        async Task OverdueAsync(CancellationToken stopping)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await Task.Delay(settings.Grace + LastPatience, time, CancellationToken.None);
        }

        void Warn(string message) => log.LogWarning("{Warning}", message);
    }

    private static string Roles(SiloRole role) => role is SiloRole.Both ? "coordinator, worker" : $"{role}".ToLowerInvariant();

    private static IHost Build(
        SiloSettings settings, ClusterServers servers, PostgresSweepStore store, DataFolder folder, TrainingDevices? devices, TimeProvider time,
        ILoggerFactory logs, Action<string> warn)
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = settings.Grace);
        builder.Services.AddSingleton<IHostLifetime, SignalIgnoringLifetime>();
        builder.Services.AddSingleton(logs);
        builder.UseOrleans(silo => silo.UseMembership(settings, servers));
        builder.Services.AddHostedService(provider =>
        {
            var membership = provider.GetRequiredService<IClusterMembershipService>();
            return ActivatorUtilities.CreateInstance<MembershipRestorer>(
                provider, provider.GetRequiredService<ILocalSiloDetails>().SiloAddress, () => membership.CurrentSnapshot.Version.Value);
        });
        builder.Services.AddCommon(store, folder, settings.LeaseTimes, time);
        if (settings.Role.HasFlag(SiloRole.Coordinator))
            builder.Services.AddCoordinator();
        builder.Services.AddMonitoring(settings.MetricsPort is { } port ? new(settings.Address, port) : null, settings.Otlp, warn);
        if (devices is not null)
            builder.Services.AddWorker(
                new(devices.Slots(settings.Slots), settings.CheckpointInterval, settings.Grace / 2), devices.Provenance,
                SlotTrainers.On(devices, devices.Slots(settings.Slots), Sources(settings, folder), settings.Commands, time));
        return builder.Build();
    }

    private static DatasetSources Sources(SiloSettings settings, DataFolder folder) =>
        DatasetSources.Default with { Given = settings.Datasets, Kept = folder.Datasets };
}
