using System.Diagnostics;
using DeepTrain.Cluster.Servers;
using DeepTrain.Cluster.Silo.Monitoring;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using OpenTelemetry;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class SpanExporterTests
{
    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/v1/traces")]
    [InlineData("/v1/traces/")]
    public void Export_NoCollector_IsToldOnceByItsFullAddress(string path)
    {
        var address = $"http://127.0.0.1:{LoopbackPort.Free()}";
        var log = new FakeLogger<SpanExporter>();
        using var exporter = new SpanExporter(new($"{address}{path}"), new FakeTimeProvider(), log);
        using var span = new Activity("cohort").Start();

        for (var time = 0; time < 2; time++)
            Assert.Equal(ExportResult.Failure, exporter.Export(new Batch<Activity>([span], 1)));

        Assert.StartsWith($"Spans are lost: no collector takes them at {address}/v1/traces.", Assert.Single(log.Collector.GetSnapshot()).Message,
            StringComparison.Ordinal);
    }
}
