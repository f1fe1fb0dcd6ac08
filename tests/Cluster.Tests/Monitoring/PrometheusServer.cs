using System.Globalization;
using System.Text.Json;
using DeepTrain.Cluster.Servers;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>A Prometheus that scrapes silos every second, with the project's own rules; gone when disposed.</summary>
internal sealed class PrometheusServer : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("deeptrain-prometheus-").FullName;
    private readonly HttpClient _http;
    private readonly int _port = LoopbackPort.Free();
    private ServerProcess? _process;

    private PrometheusServer() => _http = new() { BaseAddress = new($"http://127.0.0.1:{_port}") };

    /// <summary>Skips the test where Prometheus is not installed.</summary>
    /// <param name="targets">What to scrape: host and port.</param>
    public static async Task<PrometheusServer> StartAsync(IEnumerable<string> targets)
    {
        var program = InstalledPrograms.Require("prometheus", package: "prometheus");
        var server = new PrometheusServer();
        var configuration = Path.Combine(server._folder, "prometheus.yml");
        await File.WriteAllTextAsync(configuration, $$"""
            global: { scrape_interval: 1s, evaluation_interval: 1s }
            rule_files: ["{{Repository.PathOf("deploy/prometheus")}}/*.yaml"]
            scrape_configs:
              - job_name: deeptrain
                static_configs: [{ targets: [{{string.Join(", ", targets.Select(target => $"'{target}'"))}}] }]
            """);
        try
        {
            server._process = await ServerProcess.StartAsync(
                new(program,
                [
                    $"--config.file={configuration}", $"--storage.tsdb.path={server._folder}/data", $"--web.listen-address=127.0.0.1:{server._port}",
                ]),
                "Server is ready to receive web requests");
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>The values that a query gives now, a series each.</summary>
    /// <exception cref="InvalidOperationException">Prometheus takes it for no query.</exception>
    public async Task<List<double>> QueryAsync(string query)
    {
        using var answer = await _http.GetAsync(new Uri($"/api/v1/query?query={Uri.EscapeDataString(query)}", UriKind.Relative));
        var text = await answer.Content.ReadAsStringAsync();
        using var json = JsonDocument.Parse(text);
        if (json.RootElement.GetProperty("status").GetString() != "success")
            throw new InvalidOperationException($"{query}: {text}");
        return
        [
            .. json.RootElement.GetProperty("data").GetProperty("result").EnumerateArray()
                .Select(series => double.Parse(series.GetProperty("value")[1].GetString()!, CultureInfo.InvariantCulture)),
        ];
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (_process is { } process)
            await process.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
