using System.Diagnostics;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Exporter;

namespace DeepTrain.Cluster.Silo.Monitoring;

/// <summary>Sends spans to a collector by OTLP over HTTP, and logs failures: by itself the exporter drops spans silently.</summary>
/// <param name="collector">Its address, with <c>/v1/traces</c> or without.</param>
internal sealed class SpanExporter(Uri collector, TimeProvider time, ILogger<SpanExporter> log)
    : OtlpTraceExporter(new() { Protocol = OtlpExportProtocol.HttpProtobuf, Endpoint = Traces(collector) })
{
    private const string Path = "/v1/traces";

    private readonly OutageLog _outage = new($"Spans are lost: no collector takes them at {Traces(collector)}.", LogLevel.Warning, log, time);

    public override ExportResult Export(in Batch<Activity> batch)
    {
        var result = base.Export(batch);
        if (result is ExportResult.Success)
            _outage.Succeeded();
        else
            _outage.Failed("Does it run, and does it speak OTLP over HTTP?");
        return result;
    }

    private static Uri Traces(Uri collector)
    {
        var address = collector.ToString().TrimEnd('/');
        return new(address.EndsWith(Path, StringComparison.Ordinal) ? address : address + Path);
    }
}
