using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using DeepTrain.Cluster.Grains.Monitoring;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Servers;
using DeepTrain.Cluster.Silo.Monitoring;
using Microsoft.Extensions.DependencyInjection;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class MonitoringEndpointTests : IDisposable
{
    private const int Sweeps = 10;
    private const string OfOurs = "sweep=\"watched-";

    private readonly TemporaryFolder _folder = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly ActiveSweeps _active = new();
    private readonly HttpClient _http = new() { BaseAddress = new($"http://127.0.0.1:{LoopbackPort.Free()}") };
    private bool _isReady = true;

    public void Dispose()
    {
        _http.Dispose();
        _services.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Health_OfASiloThatIsAskedToEnd_IsNotReadyButAlive()
    {
        await using var endpoint = await ServeAsync();
        foreach (var path in (string[])["/health/startup", "/health/ready", "/health/live"])
            Assert.Equal(HttpStatusCode.OK, (await _http.GetAsync(path)).StatusCode);

        _isReady = false;

        using var ready = await _http.GetAsync("/health/ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Equal("not ready\n", await ready.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.OK, (await _http.GetAsync("/health/live")).StatusCode);
    }

    [Fact]
    public async Task Metrics_AfterItsStop_AnswerUntilTheProcessIsOver()
    {
        var endpoint = await ServeAsync();

        // Others have not ended yet.
        await endpoint.StopAsync(TestContext.Current.CancellationToken);
        Assert.NotEmpty(await _http.GetStringAsync("/metrics"));
        await endpoint.DisposeAsync();

        await Assert.ThrowsAsync<HttpRequestException>(() => _http.GetStringAsync("/metrics"));
    }

    [Fact]
    public async Task Metrics_TenSweepsOfFiftyLevels_HaveFewerThan600SeriesEach()
    {
        await using var endpoint = await ServeAsync();
        // Meters have one name in all of a process: other tests' sweeps are seen too.
        var series = Samples(await _http.GetStringAsync("/metrics")).Where(sample => sample.Contains(OfOurs, StringComparison.Ordinal))
            .CountBy(sample => sample[..sample.IndexOf('{', StringComparison.Ordinal)]).ToDictionary();

        Assert.Equal(Sweeps * SweepTally.MostLevels, series["deeptrain_sweep_level_objective"]);
        Assert.All(series, metric => Assert.InRange(metric.Value, 1, 599));
    }

    [Fact]
    public async Task Metrics_TwentyScrapersAtOnce_EachGetTheWholeAnswer()
    {
        await using var endpoint = await ServeAsync();
        var alone = Names(await _http.GetStringAsync("/metrics"));

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => _http.GetStringAsync("/metrics")));

        Assert.All(answers, answer => Assert.Superset(alone, Names(answer)));
        Assert.NotEmpty(alone);
    }

    // RFC 5737: an address of documentation, which no machine has. The system's error is passed on like that of a port that is forbidden.
    [Theory]
    [InlineData("192.0.2.1")]
    [InlineData("127.0.0.1")]
    public async Task StartAsync_PortThatCannotBeHad_CostsAWarningOnly(string address)
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        var warnings = new List<string>();
        await using var endpoint = new MonitoringEndpoint(
            new(_services.GetRequiredService<IMeterFactory>(), _active, new(_folder.Root)), () => true, new("silo-1"), new(IPAddress.Parse(address), port), warnings.Add);

        await endpoint.StartAsync(TestContext.Current.CancellationToken);

        Assert.StartsWith($"/metrics and /health cannot be served at {address}:{port}: ", Assert.Single(warnings), StringComparison.Ordinal);
    }

    private async Task<MonitoringEndpoint> ServeAsync()
    {
        var metrics = new ClusterMetrics(_services.GetRequiredService<IMeterFactory>(), _active, new(_folder.Root));
        foreach (var number in Enumerable.Range(1, Sweeps))
            _active.Set(new(new($"watched-{number}", SweepStatus.Running, 8, 4, 2, 1, 1, 0, 0, 0, new("activation=elu", 0.9)), 3, TimeSpan.FromSeconds(1),
                DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch)
            {
                Left = TimeSpan.FromSeconds(90),
                Levels = [.. Enumerable.Range(1, SweepTally.MostLevels).Select(level => new LevelResults("learningRate", $"0.{level}", 2, 0.9, 0.5, 0.25))],
            });
        var endpoint = new MonitoringEndpoint(metrics, () => _isReady, new("silo-1"), new(IPAddress.Loopback, _http.BaseAddress!.Port), Assert.Fail);
        await endpoint.StartAsync(TestContext.Current.CancellationToken);
        return endpoint;
    }

    private static IEnumerable<string> Samples(string text) => text.Split('\n').Where(line => line.Length > 0 && line[0] != '#');

    /// <summary>Which series there are, without their values.</summary>
    private static HashSet<string> Names(string text) => [.. Samples(text).Select(sample => sample[..sample.LastIndexOf(' ')])
        .Where(name => name.Contains(OfOurs, StringComparison.Ordinal))];
}
