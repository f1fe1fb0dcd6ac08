using System.Diagnostics;
using System.Globalization;
using System.Net;
using DeepTrain.Cluster.Silo;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;

namespace DeepTrain.Cluster.Bench;

/// <summary>A silo in a process of its own, so that it can be killed and its memory counted, and a client of it.</summary>
internal sealed class SiloProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    private readonly Process _process;
    private readonly IHost _client;

    private SiloProcess(Process process, IHost client)
    {
        _process = process;
        _client = client;
    }

    public IGrainFactory Grains => _client.Services.GetRequiredService<IGrainFactory>();

    /// <summary>The most memory that the process has taken: its peak resident set, in MiB.</summary>
    public double PeakMiB => Status("VmHWM") / 1024.0;

    /// <summary>The processor time of the process so far.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Starts an owner of a data folder, and connects to it.</summary>
    public static async Task<SiloProcess> StartAsync(string data, int slots)
    {
        var folder = new DataFolder(data);
        var process = Process.Start("dotnet", [typeof(SiloProcess).Assembly.Location, "orchestration-silo", "--data", data, "--slots", $"{slots}"]);
        var clock = Stopwatch.StartNew();
        while (true)
        {
            if (process.HasExited)
                throw new InvalidOperationException($"The silo has ended with {process.ExitCode}.");
            if (folder.ReadGateway() is { } gateway && gateway.ProcessId == process.Id)
                return new(process, await ConnectAsync(gateway));
            if (clock.Elapsed > Patience)
                throw new TimeoutException("The silo does not say where it listens.");
            await Task.Delay(Look);
        }
    }

    /// <summary>Ends the process as a power failure would.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        _process.Dispose();
        _client.Dispose();
    }

    private static async Task<IHost> ConnectAsync(Gateway gateway)
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.UseOrleansClient(client => client
            .UseStaticClustering(IPEndPoint.Parse(gateway.Endpoint))
            .Configure<ClusterOptions>(options =>
            {
                options.ServiceId = gateway.ServiceId;
                options.ClusterId = gateway.ClusterId;
            })
            .Configure<ClientMessagingOptions>(options => options.ResponseTimeout = TimeSpan.FromMinutes(2)));
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }

    private long Status(string key) => long.Parse(
        File.ReadLines($"/proc/{_process.Id}/status").First(line => line.StartsWith(key, StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture);
}
