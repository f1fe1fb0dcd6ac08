using System.Diagnostics;
using System.Net;
using System.Text;
using DeepTrain.Cluster.Grains.Monitoring;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Grains.Tests;
using DeepTrain.Cluster.Servers;
using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Silo.Hosting;
using DeepTrain.Cluster.Silo.Settings;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class SweepTracesTests : IDisposable
{
    private const string SweepId = "traced-1";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Begin_NobodyListens_CostsNoSpan() => Assert.Null(SweepTraces.Begin("cohort", "nobody-1"));

    [Fact]
    public async Task Sweep_WithACollector_IsOneTraceOfCohortsAndTheirEpochs()
    {
        var spans = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == SweepTraces.Source,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = span =>
            {
                lock (spans)
                    spans.Add(span);
            },
        };
        ActivitySource.AddActivityListener(listener);
        var port = LoopbackPort.Free();
        var received = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var collector = await CollectAsync(port, received);

        var folder = new DataFolder(_folder.Root);
        folder.Create();
        using var ownership = DataFolderLock.TryAcquire(folder)!;
        var settings = new EmbeddedSettings(Slots: 1, MetricsPort: null, message => Assert.Fail(message)) { Otlp = new($"http://127.0.0.1:{port}/otlp") };
        await using (var silo = await EmbeddedSilo.StartAsync(ownership, settings, TimeProvider.System, CancellationToken.None))
        {
            await silo.Grains.Sweep(SweepId).Submit(SlotCluster.Text("0.1, 0.2", 3).Replace("name: digits", "name: traced", StringComparison.Ordinal), asNew: false);
            await Eventually.True(
                async () => (await silo.Grains.Sweep(SweepId).GetProgress())!.Status is SweepStatus.Finished, "the sweep to finish");
        }

        List<Activity> all;
        lock (spans)
            all = [.. spans];
        var ofSweep = all.Where(span => span.GetTagItem("deeptrain.sweep") as string == SweepId).ToList();
        var cohort = ofSweep.First(span => span.OperationName == "cohort");
        Assert.Contains(ofSweep, span => span.OperationName == "open");
        Assert.Single(ofSweep.Select(span => span.TraceId).Distinct());
        Assert.Equal([1, 2, 3], all.Where(span => span.OperationName == "epoch" && span.ParentSpanId == cohort.SpanId)
            .Select(span => (int)span.GetTagItem("deeptrain.epoch")!));
        // What was sent names the service, its spans and the sweep.
        var sent = await received.Task.WaitAsync(TimeSpan.FromSeconds(120));
        Assert.All((string[])["deeptrain", "cohort", SweepId], name => Assert.Contains(name, sent, StringComparison.Ordinal));
    }

    private static async Task<WebApplication> CollectAsync(int port, TaskCompletionSource<string> received)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        builder.Services.AddRoutingCore();
        var web = builder.Build();
        web.MapPost("/otlp/v1/traces", async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            var text = Encoding.Latin1.GetString(body.ToArray());
            // Other tests' spans come along.
            if (text.Contains("cohort", StringComparison.Ordinal) && text.Contains(SweepId, StringComparison.Ordinal))
                received.TrySetResult(text);
            context.Response.StatusCode = StatusCodes.Status200OK;
        });
        await web.StartAsync();
        return web;
    }
}
