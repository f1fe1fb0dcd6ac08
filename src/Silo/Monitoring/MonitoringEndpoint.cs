using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Metrics;

namespace DeepTrain.Cluster.Silo.Monitoring;

/// <summary>Serves <c>/metrics</c> for Prometheus and <c>/health</c> for whoever starts and ends silos, on a port of its own.</summary>
/// <remarks>It is open from when the silo has joined until all of it has ended: what it does last is counted too. A port that it cannot have, whatever the reason, costs this and not the work.</remarks>
/// <param name="metrics">Serves these: they are there from the start, even where nothing has been counted yet.</param>
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
                // A sweep that is over is gone with the next scrape, however soon that comes.
                options.ScrapeResponseCacheDurationMilliseconds = 0;
            }));
        var web = builder.Build();
        web.MapPrometheusScrapingEndpoint();
        // It opens after the silo has joined: that it answers is the answer.
        web.MapGet("/health/startup", context => AnswerAsync(context, true, "joined"));
        web.MapGet("/health/ready", context => AnswerAsync(context, isReady(), "ready"));
        // Nothing of others: ending this process brings back neither a database nor another silo.
        web.MapGet("/health/live", context => AnswerAsync(context, true, "answering"));
        try
        {
            await web.StartAsync(cancellationToken);
            _web = web;
            metrics.BeginAtZero();
        }
        // A port that is taken is an IOException to Kestrel, which has the system's error inside; one that is forbidden is that error itself.
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
