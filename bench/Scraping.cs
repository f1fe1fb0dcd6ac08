using System.Diagnostics;
using System.Text.Json;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Servers;
using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Silo.Hosting;

namespace DeepTrain.Cluster.Bench;

/// <param name="Sweeps">Active ones, of 50 levels each.</param>
/// <param name="Series">Of an answer.</param>
/// <param name="MedianMilliseconds">Of an answer to one scraper, from asking to its last byte.</param>
/// <param name="WorstMilliseconds">The slowest of them.</param>
/// <param name="TwentyAtOnceMilliseconds">Until the last of twenty scrapers that ask at once has its whole answer, in the median.</param>
internal sealed record ScrapingFigures(
    int Sweeps, int Series, int Bytes, double MedianMilliseconds, double WorstMilliseconds, double TwentyAtOnceMilliseconds);

/// <summary>What an answer of <c>/metrics</c> costs while sweeps are active.</summary>
internal static class Scraping
{
    private const int Sweeps = 10;
    private const int Scrapers = 20;
    private const int Rounds = 200;
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    public static async Task RunAsync(TextWriter output, TextWriter progress, bool json)
    {
        var root = Directory.CreateTempSubdirectory("deeptrain-bench-").FullName;
        try
        {
            var folder = new DataFolder(root);
            folder.Create();
            using var ownership = DataFolderLock.TryAcquire(folder)!;
            var port = LoopbackPort.Free();
            await using var silo = await EmbeddedSilo.StartAsync(
                ownership, new(Slots: 1, port, progress.WriteLine), TimeProvider.System, CancellationToken.None);
            foreach (var number in Enumerable.Range(1, Sweeps))
                await SubmitAsync(silo, $"watched{number}");
            progress.WriteLine($"{Sweeps} sweeps are active");
            using var http = new HttpClient { BaseAddress = new($"http://127.0.0.1:{port}") };
            var figures = await MeasureAsync(http);
            output.WriteLine(json
                ? JsonSerializer.Serialize(figures, JsonSerializerOptions.Web)
                : string.Join(Environment.NewLine, JsonSerializer.SerializeToElement(figures, JsonSerializerOptions.Web).EnumerateObject()
                    .Select(figure => $"{figure.Name,-28}{figure.Value}")));
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    /// <summary>A sweep of 50 levels that has results of each, and is paused with another replicate to train.</summary>
    private static async Task SubmitAsync(EmbeddedSilo silo, string name)
    {
        var sweep = silo.Grains.Sweep($"{name}-1");
        await sweep.Submit(Text(replicates: 1), asNew: true);
        while ((await sweep.GetProgress())!.Status is SweepStatus.Running)
            await Task.Delay(Look);
        await sweep.Submit(Text(replicates: 2), asNew: false);
        if (!await sweep.Pause())
            throw new InvalidOperationException($"{name} had ended before it was paused: run the bench again.");

        string Text(int replicates) => $$"""
            name: {{name}}
            dataset: digits
            training: { epochs: 1 }
            trainer: { simulate: { seconds: 0, accuracy: 0.9, cohort: 50 } }
            space: { learningRate: [{{string.Join(", ", Enumerable.Range(1, 50).Select(level => $"0.{level:00}"))}}] }
            replicates: {{replicates}}
            """;
    }

    private static async Task<ScrapingFigures> MeasureAsync(HttpClient http)
    {
        string text = "";
        var alone = new List<double>();
        foreach (var _ in Enumerable.Range(0, Rounds))
            alone.Add(await TimeAsync(async () => text = await http.GetStringAsync(new Uri("/metrics", UriKind.Relative))));
        var together = new List<double>();
        foreach (var _ in Enumerable.Range(0, Rounds / Scrapers))
            together.Add(await TimeAsync(() => Task.WhenAll(Enumerable.Range(0, Scrapers)
                .Select(_ => http.GetStringAsync(new Uri("/metrics", UriKind.Relative))))));
        // The first answer has to compile and connect.
        alone.RemoveAt(0);
        return new(
            Sweeps, text.Split('\n').Count(line => line.Length > 0 && line[0] != '#'), text.Length, Median(alone), alone.Max(), Median(together));
    }

    private static async Task<double> TimeAsync(Func<Task> work)
    {
        var began = Stopwatch.GetTimestamp();
        await work();
        return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
