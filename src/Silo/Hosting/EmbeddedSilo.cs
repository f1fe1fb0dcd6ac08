using System.Globalization;
using System.Net;
using System.Net.Sockets;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Silo.Monitoring;
using DeepTrain.Cluster.Silo.Settings;
using DeepTrain.Cluster.Silo.Slots;
using DeepTrain.Cluster.Silo.Storage.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Serilog;
using Serilog.Core;
using Serilog.Extensions.Logging;

namespace DeepTrain.Cluster.Silo.Hosting;

/// <summary>The whole cluster in this process, which owns a data folder: coordinator, worker and store.</summary>
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

    public ISweepReader Reader => _store.Reader;

    /// <summary>Cancelled when the silo ends, also when a part of it fails.</summary>
    public CancellationToken Ended => _host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;

    /// <summary>Opens the folder's store, releases the leases of a dead owner, and starts the silo on free loopback ports.</summary>
    /// <param name="ownership">The folder's lock, which the caller holds for the lifetime of this silo.</param>
    public static async Task<EmbeddedSilo> StartAsync(
        DataFolderLock ownership, EmbeddedSettings settings, TimeProvider time, CancellationToken cancellation)
    {
        var folder = ownership.Folder;
        // Loading libtorch takes as long as the rest of the start.
        var finding = settings.Slots is 0 ? null : Task.Run(() => TrainingDevices.Find(settings.Device, settings.Tf32, settings.Warn), cancellation);
        var store = await SqliteSweepStore.OpenAsync(folder.Database, time);
        try
        {
            await store.ReleaseAllAsync();
            var devices = finding is null ? null : await finding;
            for (var attempt = 1; ; attempt++)
            {
                var clusterId = Guid.NewGuid().ToString("N");
                var (siloPort, gatewayPort) = FreePorts();
                var host = Build(folder, store, settings, devices, time, clusterId, siloPort, gatewayPort);
                try
                {
                    await host.StartAsync(cancellation);
                }
                catch (Exception exception)
                {
                    await AbandonAsync(host);
                    // Another process may have taken the port since it was found free.
                    if (!IsPortTaken(exception) || attempt == PortAttempts)
                        throw;
                    continue;
                }
                ownership.Publish(new($"{IPAddress.Loopback}:{gatewayPort}", clusterId, ServiceId, Environment.ProcessId));
                Describe(host.Services.GetRequiredService<ILogger<EmbeddedSilo>>(), folder, settings, devices);
                return new(host, store);
            }
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
    }

    /// <summary>Serves alone, as the owner of its data folder, until it is asked to end.</summary>
    /// <exception cref="StoreException">Another process owns the folder.</exception>
    internal static async Task RunAsync(SiloSettings settings, TimeProvider time, CancellationToken cancellation)
    {
        var folder = new DataFolder(settings.Data);
        using var ownership = DataFolderLock.TryAcquire(folder)
            ?? throw new StoreException($"{folder.Root}: another process owns this data folder. End it, or name another folder.");
        var embedded = EmbeddedSettings.OfSilo(settings, message => Console.Error.WriteLine($"warning: {message}"));
        await using (var silo = await StartAsync(ownership, embedded, time, cancellation))
        {
            await Console.Error.WriteLineAsync(
                $"silo {settings.SiloName} is active at {folder.ReadGateway()?.Endpoint} (coordinator, worker), alone on {folder.Root}");
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation, silo.Ended);
            await Task.Delay(Timeout.InfiniteTimeSpan, time, ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await Console.Error.WriteLineAsync(
                $"silo {settings.SiloName} is ending; it has {settings.Grace.TotalSeconds:0} s to save and give back what it trains");
        }
        await Console.Error.WriteLineAsync($"silo {settings.SiloName} has ended");
    }

    /// <summary>Ends the slots after their epoch, writes their reports, gives back the rest and closes the store.</summary>
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
        DataFolder folder, SqliteSweepStore store, EmbeddedSettings settings, TrainingDevices? devices, TimeProvider time, string clusterId,
        int siloPort, int gatewayPort)
    {
        // No defaults: neither a settings file in the current folder nor a console logger is wanted here.
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = settings.Grace);
        builder.Services.AddSingleton<IHostLifetime, SignalIgnoringLifetime>();
        builder.Services.AddSerilog(LogTo(folder, new(settings.Warn, time)), dispose: true);
        builder.UseOrleans(silo => silo
            .UseLocalhostClustering(siloPort, gatewayPort, serviceId: ServiceId, clusterId: clusterId)
            .Configure<ClusterMembershipOptions>(options => options.ProbeTimeout = settings.ProbeTimeout));

        builder.Services.AddCommon(store, folder, settings.LeaseTimes, time).AddCoordinator();
        builder.Services.AddMonitoring(settings.MetricsPort is { } port ? new(IPAddress.Loopback, port) : null, settings.Otlp, settings.Warn);
        if (devices is not null)
            builder.Services.AddWorker(
                new(devices.Slots(settings.Slots), settings.CheckpointInterval, settings.Grace / 2), devices.Provenance,
                SlotTrainers.On(devices, devices.Slots(settings.Slots), settings.Datasets with { Kept = folder.Datasets }, settings.Commands, time));
        return builder.Build();
    }

    /// <summary>Logs the settings of a run, which a reader of its log needs first.</summary>
    private static void Describe(ILogger<EmbeddedSilo> log, DataFolder folder, EmbeddedSettings settings, TrainingDevices? devices)
    {
        log.LogInformation("Process {Process} owns the data folder {Folder}. Leases last {Lease:0.#} s, a run is saved each {Checkpoint:0.#} s, "
            + "ending takes {Grace:0.#} s at most; port of /metrics: {MetricsPort}; collector of spans: {Otlp}.",
            Environment.ProcessId, folder.Root, settings.LeaseTimes.Lease.TotalSeconds, settings.CheckpointInterval.TotalSeconds,
            settings.Grace.TotalSeconds, settings.MetricsPort?.ToString(CultureInfo.InvariantCulture) ?? "none", settings.Otlp?.ToString() ?? "none");
        if (devices is { Provenance: var by })
            log.LogInformation("It trains in {Slots} slots on {Device}: {Capability}, libtorch {LibTorch}, deeptrain {Version}.",
                devices.Slots(settings.Slots), by.Device, by.CpuCapability, by.Libtorch, by.CodeVersion);
    }

    private static Logger LogTo(DataFolder folder, ErrorNoticeSink notices) => SiloLog.Levels
        .Aggregate(new LoggerConfiguration().MinimumLevel.Warning(), (log, level) =>
            log.MinimumLevel.Override(level.Category, LevelConvert.ToSerilogLevel(level.From)))
        .WriteTo.Sink(notices)
        .WriteTo.File(
            Path.Combine(folder.Logs, "deeptrain-.log"), rollingInterval: RollingInterval.Day, retainedFileCountLimit: 14,
            fileSizeLimitBytes: 50_000_000, rollOnFileSizeLimit: true, formatProvider: CultureInfo.InvariantCulture)
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
            // The silo never ran completely; the caller gets the error that stopped it.
        }
        host.Dispose();
    }

    private static bool IsPortTaken(Exception exception) =>
        exception is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse }
        || (exception.InnerException is { } inner && IsPortTaken(inner));
}
