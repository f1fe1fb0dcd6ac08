using System.Net;
using DeepTrain.Cluster.Grains.Monitoring;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Trials;
using DeepTrain.Cluster.Silo.Cleanup;
using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Silo.Monitoring;
using DeepTrain.Cluster.Silo.Slots;
using DeepTrain.Cluster.Silo.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Trace;
using Orleans.Configuration;

namespace DeepTrain.Cluster.Silo.Hosting;

/// <summary>The services of a silo's process, by its role.</summary>
/// <remarks>Hosted services stop in the reverse order of their registration: slots first, then the result writers, then the silo.</remarks>
internal static class SiloServices
{
    /// <summary>How many grain locations a silo caches. Orleans' default of a million would fill with those of ended trials.</summary>
    private const int KnownPlaces = 10_000;

    /// <param name="store">Its owner closes it, after the silo has ended.</param>
    public static IServiceCollection AddCommon(
        this IServiceCollection services, SweepStore store, DataFolder folder, LeaseTimes times, TimeProvider time) => services
        .AddMetrics()
        .Configure<GrainDirectoryOptions>(options => options.CacheSize = KnownPlaces)
        .AddSingleton(time)
        .AddSingleton(folder)
        .AddSingleton(times)
        .AddSingleton<ISweepStore>(store)
        .AddSingleton(store.Reader)
        .AddSingleton<ActiveSweeps>()
        .AddSingleton<TrialsInTraining>()
        .AddSingleton<ClusterMetrics>();

    public static IServiceCollection AddCoordinator(this IServiceCollection services) => services
        .AddHostedService<CoordinatorActivator>()
        .AddHostedService<DeadSiloLeaseRelease>()
        .AddSingleton<CleanupElection>()
        .AddHostedService<StaleFileCleanup>()
        .AddHostedService<DeletedSweepCleanup>();

    /// <param name="endpoint">Where metrics and health are served; null: nowhere.</param>
    /// <param name="collector">Where spans are sent, by OTLP over HTTP; null: nowhere.</param>
    public static IServiceCollection AddMonitoring(this IServiceCollection services, IPEndPoint? endpoint, Uri? collector, Action<string> warn)
    {
        services.AddSingleton(provider => new ServiceName(provider.GetRequiredService<ILocalSiloDetails>().Name));
        if (endpoint is not null)
            services.AddHostedService(provider =>
            {
                var membership = provider.GetRequiredService<ISiloStatusOracle>();
                var stopping = provider.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
                return new MonitoringEndpoint(
                    provider.GetRequiredService<ClusterMetrics>(), () => membership.CurrentStatus is SiloStatus.Active && !stopping.IsCancellationRequested,
                    provider.GetRequiredService<ServiceName>(), endpoint, warn);
            });
        if (collector is not null)
            services
                .ConfigureOpenTelemetryTracerProvider((provider, spans) => spans.ConfigureResource(provider.GetRequiredService<ServiceName>().Describe))
                .AddOpenTelemetry().WithTracing(spans => spans.AddSource(SweepTraces.Source).AddProcessor(provider =>
                    new BatchActivityExportProcessor(new SpanExporter(
                        collector, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<SpanExporter>>()))));
        return services;
    }

    public static IServiceCollection AddWorker(
        this IServiceCollection services, SlotSettings slots, Provenance worker, SlotTrainers trainers) => services
        .AddSingleton(worker)
        .AddSingleton(trainers)
        .AddSingleton(slots)
        .AddSingleton<CoordinatorReports>().AddHostedService(provider => provider.GetRequiredService<CoordinatorReports>())
        .AddSingleton<ResultWriter>().AddHostedService(provider => provider.GetRequiredService<ResultWriter>())
        .AddSingleton<ReportSink>()
        .AddSingleton<CheckpointWriter>()
        .AddSingleton<LeaseRenewer>().AddHostedService(provider => provider.GetRequiredService<LeaseRenewer>())
        .AddHostedService<SlotHost>();
}
