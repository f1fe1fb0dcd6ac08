using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace DeepTrain.Cluster.Silo;

/// <summary>Serves <c>/metrics</c> for Prometheus on a port of its own. A port that is taken costs the metrics, not the work.</summary>
/// <param name="instance">The silo's name.</param>
/// <param name="metrics">Serves these: they are there from the start, even where nothing has been counted yet.</param>
internal sealed class MetricsEndpoint(ClusterMetrics metrics, string instance, IPEndPoint endpoint, Action<string> warn) : IHostedService, IAsyncDisposable
{
    private WebApplication? _web;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(endpoint));
        builder.Services.AddRoutingCore();
        builder.Services.AddOpenTelemetry().WithMetrics(meters => meters
            .ConfigureResource(resource => resource.AddService("deeptrain", serviceInstanceId: instance))
            .AddMeter(metrics.Meter.Name, "Microsoft.Orleans", "System.Runtime")
            .AddPrometheusExporter(options =>
            {
                options.ScopeInfoEnabled = false;
                // A sweep that is over is gone with the next scrape, however soon that comes.
                options.ScrapeResponseCacheDurationMilliseconds = 0;
            }));
        var web = builder.Build();
        web.MapPrometheusScrapingEndpoint();
        try
        {
            await web.StartAsync(cancellationToken);
            _web = web;
        }
        catch (IOException)
        {
            await web.DisposeAsync();
            warn($"port {endpoint.Port} is taken: no metrics. Give another one.");
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_web is { } web)
            await web.StopAsync(cancellationToken);
    }

    public ValueTask DisposeAsync() => _web?.DisposeAsync() ?? ValueTask.CompletedTask;
}
