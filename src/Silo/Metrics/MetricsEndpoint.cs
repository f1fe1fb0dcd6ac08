using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Metrics;

namespace DeepTrain.Cluster.Silo;

/// <summary>Serves <c>/metrics</c> for Prometheus on a loopback port of its own. A port that is taken costs the metrics, not the work.</summary>
internal sealed class MetricsEndpoint(int port, Action<string> warn) : IHostedService, IAsyncDisposable
{
    private WebApplication? _web;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.ListenLocalhost(port));
        builder.Services.AddRoutingCore();
        builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics
            .AddMeter(ClusterMetrics.MeterName)
            .AddPrometheusExporter(options => options.ScopeInfoEnabled = false));
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
            warn($"port {port} is taken: no metrics. Give another one with --metrics-port.");
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_web is { } web)
            await web.StopAsync(cancellationToken);
    }

    public ValueTask DisposeAsync() => _web?.DisposeAsync() ?? ValueTask.CompletedTask;
}
