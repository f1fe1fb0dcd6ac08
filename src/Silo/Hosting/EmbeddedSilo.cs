using System.Net;
using System.Net.Sockets;
using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Sweeps;
using DeepTrain.Cluster.Training;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using Serilog;
using Serilog.Core;
using Serilog.Events;

namespace DeepTrain.Cluster.Silo;

/// <summary>What an embedded silo is started with.</summary>
/// <param name="Slots">How many slots train; 0 for a silo that only keeps the books.</param>
/// <param name="MetricsPort">The loopback port of <c>/metrics</c>; null for none.</param>
/// <param name="Warn">Where a person is told of what does not stop the work.</param>
public sealed record EmbeddedSettings(int Slots, int? MetricsPort, Action<string> Warn)
{
    /// <summary>Where data sets are looked for that are not embedded.</summary>
    public DatasetSources Datasets { get; init; } = DatasetSources.Default;

    /// <summary>How much of a run is trained again at most when the process dies.</summary>
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>The whole cluster in this process, owner of a data folder: coordinator, worker and store.</summary>
public sealed class EmbeddedSilo : IAsyncDisposable
{
    private const int PortAttempts = 5;
    private const string ServiceId = "deeptrain";

    private readonly IHost _host;
    private readonly SqliteSweepStore _store;

    private EmbeddedSilo(IHost host, SqliteSweepStore store)
    {
        _host = host;
        _store = store;
    }

    public IGrainFactory Grains => _host.Services.GetRequiredService<IGrainFactory>();

    public ISweepReader Reader => _store;

    /// <summary>Cancelled when the silo ends, be it that a part of it broke.</summary>
    public CancellationToken Ended => _host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;

    /// <summary>Opens the folder's store, lets what a dead owner had leased wait again, and starts the silo on free loopback ports.</summary>
    /// <param name="ownership">The folder's lock, held by the caller for as long as this silo lives.</param>
    public static async Task<EmbeddedSilo> StartAsync(
        DataFolderLock ownership, EmbeddedSettings settings, TimeProvider time, CancellationToken cancellation)
    {
        var folder = ownership.Folder;
        // Loading libtorch takes as long as all the rest of starting.
        var torch = settings.Slots > 0 ? Task.Run(TorchRuntime.Describe, cancellation) : null;
        var store = await SqliteSweepStore.OpenAsync(folder.Database, time);
        try
        {
            await store.ReleaseAllAsync();
            var worker = torch is null ? null : Worker.Of(await torch);
            for (var attempt = 1; ; attempt++)
            {
                var clusterId = Guid.NewGuid().ToString("N");
                var (siloPort, gatewayPort) = FreePorts();
                var host = Build(folder, store, settings, worker, time, clusterId, siloPort, gatewayPort);
                try
                {
                    await host.StartAsync(cancellation);
                }
                catch (Exception exception)
                {
                    await AbandonAsync(host);
                    // Somebody may have taken the port between our look and our use.
                    if (!IsPortTaken(exception) || attempt == PortAttempts)
                        throw;
                    continue;
                }
                ownership.Publish(new($"{IPAddress.Loopback}:{gatewayPort}", clusterId, ServiceId, Environment.ProcessId));
                return new(host, store);
            }
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends the slots after their epoch, writes what they reported, gives back the rest and closes the store.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await _host.StopAsync();
        }
        finally
        {
            _host.Dispose();
            await _store.DisposeAsync();
        }
    }

    private static IHost Build(
        DataFolder folder, SqliteSweepStore store, EmbeddedSettings settings, Provenance? worker, TimeProvider time, string clusterId,
        int siloPort, int gatewayPort)
    {
        // No defaults: neither a settings file in the current folder nor a console logger is anyone's wish here.
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromMinutes(2));
        builder.Services.AddSingleton<IHostLifetime, CallersLifetime>();
        builder.Services.AddSerilog(LogTo(folder), dispose: true);
        builder.Services.AddMetrics();
        builder.UseOrleans(silo => silo
            .UseLocalhostClustering(siloPort, gatewayPort, serviceId: ServiceId, clusterId: clusterId)
            .Configure<ClusterMembershipOptions>(options => options.ProbeTimeout = TimeSpan.FromSeconds(2)));

        builder.Services
            .AddSingleton(time)
            .AddSingleton(folder)
            .AddSingleton(new LeaseTimes())
            .AddSingleton<ISweepStore>(store)
            .AddSingleton<ISweepReader>(store)
            .AddSingleton<ActiveSweeps>()
            .AddSingleton<StopRequests>()
            .AddSingleton<ClusterMetrics>()
            .AddHostedService<Keeper>()
            .AddHostedService<DeadSilos>()
            .AddHostedService<Janitor>();
        if (settings.MetricsPort is { } port)
            builder.Services.AddHostedService(_ => new MetricsEndpoint(port, settings.Warn));
        if (worker is not null)
            AddSlots(builder.Services, settings, worker, folder, time);
        return builder.Build();
    }

    private static void AddSlots(IServiceCollection services, EmbeddedSettings settings, Provenance worker, DataFolder folder, TimeProvider time) =>
        services
            .AddSingleton(worker)
            .AddSingleton<ITrainer>(new Trainers(new FusedTrainer(time, settings.Datasets with { Kept = folder.Datasets }), CommandPolicy.Any, time))
            .AddSingleton(new SlotSettings(settings.Slots, settings.CheckpointInterval))
            // Hosted services end in the reverse order: slots first, then what carries their results, then the silo.
            .AddSingleton<CoordinatorReports>().AddHostedService(provider => provider.GetRequiredService<CoordinatorReports>())
            .AddSingleton<ResultWriter>().AddHostedService(provider => provider.GetRequiredService<ResultWriter>())
            .AddSingleton<LeaseRenewer>().AddHostedService(provider => provider.GetRequiredService<LeaseRenewer>())
            .AddHostedService<SlotHost>();

    private static Logger LogTo(DataFolder folder) => new LoggerConfiguration()
        .MinimumLevel.Warning()
        .MinimumLevel.Override("DeepTrain", LogEventLevel.Information)
        .WriteTo.File(
            Path.Combine(folder.Logs, "deeptrain-.log"), rollingInterval: RollingInterval.Day, retainedFileCountLimit: 14,
            fileSizeLimitBytes: 50_000_000, rollOnFileSizeLimit: true, formatProvider: System.Globalization.CultureInfo.InvariantCulture)
        .CreateLogger();

    private static (int Silo, int Gateway) FreePorts()
    {
        using var first = new TcpListener(IPAddress.Loopback, 0);
        using var second = new TcpListener(IPAddress.Loopback, 0);
        first.Start();
        second.Start();
        return (((IPEndPoint)first.LocalEndpoint).Port, ((IPEndPoint)second.LocalEndpoint).Port);
    }

    private static async Task AbandonAsync(IHost host)
    {
        try
        {
            await host.StopAsync(new CancellationToken(canceled: true));
        }
        catch (Exception)
        {
            // It never ran as a whole; what made it fail is what the caller is told.
        }
        host.Dispose();
    }

    private static bool IsPortTaken(Exception exception) =>
        exception is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse }
        || (exception.InnerException is { } inner && IsPortTaken(inner));

    /// <summary>Leaves signals to whoever started the silo.</summary>
    private sealed class CallersLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
