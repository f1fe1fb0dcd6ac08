using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Metrics;

namespace DeepTrain.Cluster.Silo.Monitoring;

/// <summary>Serves <c>/metrics</c> for Prometheus and <c>/health</c> for orchestrators, on a port of its own.</summary>
/// <remarks>It is open from when the silo has joined until the silo has ended, so that its last work is counted too. If the port cannot be
/// opened, the silo works without it.</remarks>
/// <param name="metrics">The metrics to serve; they exist from the start, even before anything is counted.</param>
/// <param name="isReady">Whether the silo is active and has not been asked to end.</param>
internal sealed class MonitoringEndpoint(
    ClusterMetrics metrics, Func<bool> isReady, ServiceName name, IPEndPoint endpoint, Action<string> warn) : IHostedService, IAsyncDisposable
{
    private WebApplication? _web;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(endpoint));
        builder.Services.AddRoutingCore();
        builder.Services.AddOpenTelemetry().WithMetrics(meters => meters
            .ConfigureResource(name.Describe)
            .AddMeter(metrics.Meter.Name, "Microsoft.Orleans", "System.Runtime")
            .AddPrometheusExporter(options =>
            {
                options.ScopeInfoEnabled = false;
                // The next scrape must not include a sweep that has ended, however soon it comes.
                options.ScrapeResponseCacheDurationMilliseconds = 0;
            }));
        var web = builder.Build();
        web.MapPrometheusScrapingEndpoint();
        // The endpoint opens after the silo has joined, so any answer means success.
        web.MapGet("/health/startup", context => AnswerAsync(context, true, "joined"));
        web.MapGet("/health/ready", context => AnswerAsync(context, isReady(), "ready"));
        // Does not check the database or other silos: restarting this process would not repair them.
        web.MapGet("/health/live", context => AnswerAsync(context, true, "answering"));
        try
        {
            await web.StartAsync(cancellationToken);
            _web = web;
            metrics.BeginAtZero();
        }
        // Kestrel reports a port in use as an IOException with the system's error inside, and a forbidden port as that error itself.
        catch (Exception error) when (error is IOException or SocketException)
        {
            await web.DisposeAsync();
            warn($"/metrics and /health cannot be served at {endpoint}: {error.Message.TrimEnd('.')}. The work goes on without them; to have them, name another port.");
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask DisposeAsync() => _web?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static Task AnswerAsync(HttpContext context, bool isSo, string what)
    {
        context.Response.StatusCode = isSo ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        return context.Response.WriteAsync($"{(isSo ? "" : "not ")}{what}\n");
    }
}
