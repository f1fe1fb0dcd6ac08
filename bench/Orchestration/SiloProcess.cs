using System.Diagnostics;
using System.Globalization;
using System.Net;
using DeepTrain.Cluster.Cluster.Tests;
using DeepTrain.Cluster.Servers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;

namespace DeepTrain.Cluster.Bench;

/// <summary>The program <c>silo</c> in a process of its own, so that it can be killed and its memory counted.</summary>
internal sealed class SiloProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;

    private SiloProcess(Process process)
    {
        _process = process;
        Reaper.Watch(process);
    }

    /// <summary>The most memory that the process has taken: its peak resident set, in MiB.</summary>
    public double PeakMiB => long.Parse(
        File.ReadLines($"/proc/{_process.Id}/status").First(line => line.StartsWith("VmHWM", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024.0;

    /// <summary>The processor time of the process so far.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Builds the program as people start it, compiled ahead of time, unless it is there.</summary>
    public static async Task BuildAsync()
    {
        using var build = Process.Start(new ProcessStartInfo(Repository.PathOf("deeptrain"), ["--version"]) { RedirectStandardOutput = true })!;
        await build.StandardOutput.ReadToEndAsync();
        await build.WaitForExitAsync();
        if (build.ExitCode != 0)
            throw new InvalidOperationException("./deeptrain has not built the program; what it said is above.");
    }

    /// <summary>Starts a silo, and returns when it serves.</summary>
    public static async Task<SiloProcess> StartAsync(Dictionary<string, string> settings)
    {
        var start = Program("run", settings);
        var silo = new SiloProcess(Process.Start(start)!);
        var active = new TaskCompletionSource();
        var said = new List<string?>();
        silo._process.ErrorDataReceived += (_, line) =>
        {
            said.Add(line.Data);
            // Null: it has closed its output, and so has ended.
            if (line.Data is null)
                active.TrySetException(new InvalidOperationException($"A silo has ended:{Environment.NewLine}{string.Join(Environment.NewLine, said)}"));
            else if (line.Data.Contains(" is active at ", StringComparison.Ordinal))
                active.TrySetResult();
        };
        silo._process.BeginErrorReadLine();
        try
        {
            await active.Task.WaitAsync(Patience);
            return silo;
        }
        catch
        {
            silo.Dispose();
            throw;
        }
    }

    /// <summary>Brings a database up to date.</summary>
    public static async Task MigrateAsync(Dictionary<string, string> settings)
    {
        using var process = Process.Start(Program("migrate", settings))!;
        var said = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"'silo migrate' has ended with {process.ExitCode}: {said}");
    }

    /// <summary>A client of one gateway.</summary>
    public static async Task<IHost> ConnectAsync(IPEndPoint gateway, string clusterId, string serviceId)
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.UseOrleansClient(client => client
            .UseStaticClustering(gateway)
            .Configure<ClusterOptions>(options => (options.ClusterId, options.ServiceId) = (clusterId, serviceId))
            .Configure<ClientMessagingOptions>(options => options.ResponseTimeout = Patience));
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }

    /// <summary>Ends the process as a power failure would.</summary>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }
        Reaper.Forget(_process);
        _process.Dispose();
    }

    private static ProcessStartInfo Program(string verb, Dictionary<string, string> settings)
    {
        var start = new ProcessStartInfo("dotnet", [Repository.PathOf("artifacts/deeptrain/silo.dll"), verb]) { RedirectStandardError = true };
        foreach (var (name, value) in settings)
            start.Environment[name] = value;
        return start;
    }
}
