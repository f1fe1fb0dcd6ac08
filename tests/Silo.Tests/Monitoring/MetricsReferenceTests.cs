using System.Diagnostics.Metrics;
using System.Net;
using System.Text;
using DeepTrain.Cluster.Grains.Monitoring;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Servers;
using DeepTrain.Cluster.Silo.Monitoring;
using DeepTrain.Cluster.Sweeps.Tests;
using DeepTrain.Cluster.Sweeps.Trials;
using Microsoft.Extensions.DependencyInjection;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class MetricsReferenceTests : IDisposable
{
    private const string Page = "docs/metrics.md";

    private readonly TemporaryFolder _folder = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly ActiveSweeps _sweeps = new();
    private readonly int _port = LoopbackPort.Free();
    private readonly ClusterMetrics _metrics;

    public MetricsReferenceTests() =>
        _metrics = new(_services.GetRequiredService<IMeterFactory>(), _sweeps, new(_folder.Root));

    public void Dispose()
    {
        _services.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Page_Metrics_AreTheInstruments() => Repository.AssertPartGenerated(Page, "metrics", Table());

    [Fact]
    public async Task Scrape_EverythingCounted_HasEachMetricUnderTheNameOnThePage()
    {
        await using var endpoint = await ServeAsync();
        CountEverything();
        var text = await ScrapeAsync();
        Assert.All(Instruments(), instrument => Assert.Contains($"\n# TYPE {NameOf(instrument)} ", text, StringComparison.Ordinal));
        Assert.Contains("outcome=\"failed\"", text, StringComparison.Ordinal);
        Assert.Contains("class=\"out-of-memory\"", text, StringComparison.Ordinal);
        Assert.Contains("service_name=\"deeptrain\"", text, StringComparison.Ordinal);
        // The runtime's own, beside ours.
        Assert.Contains("\n# TYPE dotnet_gc_collections_total ", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scrape_SweepGone_HasNoneOfItsSeries()
    {
        await using var endpoint = await ServeAsync();
        CountEverything();
        Assert.Contains("sweep=\"digits-1\"", await ScrapeAsync(), StringComparison.Ordinal);
        _sweeps.Remove("digits-1");
        Assert.DoesNotContain("sweep=\"digits-1\"", await ScrapeAsync(), StringComparison.Ordinal);
    }

    private void CountEverything()
    {
        _metrics.SlotsChanged(2, "cpu");
        _metrics.BusyChanged(1);
        _metrics.CohortTaken(8);
        _metrics.Queued(3);
        _metrics.EpochTrained(new(new("digits-1", "0123456789abcdef", 1), 1, 0.5, 0.5, 0.9, Steps: 39, Seconds: 1, Ending: null) { Samples = 1_248 });
        _metrics.TrialEnded(new(Outcome.Failed, Failure: new(FailureClass.OutOfMemory, "too large")), TimeSpan.FromSeconds(70));
        _metrics.TrialRetried(FailureClass.Infrastructure);
        _metrics.WriteRefused();
        _metrics.LeaseRenewed();
        _metrics.LeaseLost();
        _metrics.Flushed(2, TimeSpan.FromMilliseconds(4));
        _metrics.FlushFailed();
        _metrics.CheckpointWritten(1_000, TimeSpan.FromMilliseconds(20));
        _metrics.CheckpointFailed();
        _metrics.MembershipFailed();
        _metrics.Coordinates();
        _sweeps.Open();
        _sweeps.Set(new(
            new("digits-1", SweepStatus.Running, 8, 4, 2, 1, 1, 0, 0, 0, new("activation=elu", 0.9)), 3, TimeSpan.FromSeconds(1),
            DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch)
        {
            Left = TimeSpan.FromSeconds(90), Levels = [new("activation", "elu", 2, 0.9, 0.5, 0.25)],
        });
        _sweeps.CountLost(new(Count: 3, Killers: 1));
    }

    private async Task<MonitoringEndpoint> ServeAsync()
    {
        var endpoint = new MonitoringEndpoint(_metrics, () => true, new("silo-1"), new(IPAddress.Loopback, _port), Assert.Fail);
        await endpoint.StartAsync(TestContext.Current.CancellationToken);
        return endpoint;
    }

    private async Task<string> ScrapeAsync()
    {
        // The runtime counts collections from the first on.
        GC.Collect();
        using var http = new HttpClient();
        return await http.GetStringAsync(new Uri($"http://127.0.0.1:{_port}/metrics"), TestContext.Current.CancellationToken);
    }

    private string Table()
    {
        var table = new StringBuilder("| metric | type | labels | unit | meaning |\n|---|---|---|---|---|\n");
        foreach (var instrument in Instruments())
            table.Append($"| `{NameOf(instrument)}` | {TypeOf(instrument)} | {LabelsOf(instrument.Name)} | {instrument.Unit} | {instrument.Description} |\n");
        return table.ToString();
    }

    private List<Instrument> Instruments()
    {
        var found = new List<Instrument>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (ReferenceEquals(instrument.Meter, _metrics.Meter))
                    found.Add(instrument);
            },
        };
        listener.Start();
        return [.. found.OrderBy(instrument => instrument.Name, StringComparer.Ordinal)];
    }

    // https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
    private static string NameOf(Instrument instrument)
    {
        var name = instrument.Name.Replace('.', '_');
        var unit = instrument.Unit switch { "s" => "_seconds", "By" => "_bytes", _ => "" };
        return name + unit + (TypeOf(instrument) == "counter" ? "_total" : "");
    }

    private static string TypeOf(Instrument instrument) => instrument.GetType().Name switch
    {
        "Counter`1" or "ObservableCounter`1" => "counter",
        "Histogram`1" => "histogram",
        _ => "gauge",
    };

    private static string LabelsOf(string name) => name switch
    {
        "deeptrain.trials.ended" => "`outcome`, `class` of failed ones",
        "deeptrain.trial.duration" => "`outcome`",
        "deeptrain.slots" or "deeptrain.slots.busy" => "`device`",
        "deeptrain.trials.retried" => "`class`",
        "deeptrain.sweep.trials.waiting" => "`sweep`, `device`",
        "deeptrain.sweep.trials" => "`sweep`, `outcome`",
        _ when name.StartsWith("deeptrain.sweep.level.", StringComparison.Ordinal) => "`sweep`, `factor`, `level`",
        _ when name.StartsWith("deeptrain.sweep.", StringComparison.Ordinal) => "`sweep`",
        "deeptrain.coordinator.fence" or "deeptrain.coordinator.rebuild" => "`sweep`",
        _ => "",
    };
}
