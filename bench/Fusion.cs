using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using DeepTrain.Cluster.Training;

namespace DeepTrain.Cluster.Bench;

/// <summary>What fusing gains.</summary>
/// <param name="Stock">Trial-steps per second of TorchSharp's modules and optimizer, one trial on one thread.</param>
/// <param name="Unfused">Of one trial for each core: ours with a cohort of one, or the stock ones, whichever is faster.</param>
/// <param name="Fused">Of one cohort for each core.</param>
internal sealed record FusionFigures(string Network, int Batch, double Stock, double Unfused, double Fused, double OverStock, double OverUnfused);

internal static class Fusion
{
    private const int Rounds = 5;
    private static readonly TimeSpan Slice = TimeSpan.FromSeconds(0.6);

    private static readonly Work[] Works =
    [
        new("64-64-32-10", [64, 64, 32, 10], 32, 30),
        new("784-20x100-10", [784, .. Enumerable.Repeat(100, 20), 10], 64, 8),
        new("784-300-100-10", [784, 300, 100, 10], 64, 4),
    ];

    public static int Run(TextWriter output, TextWriter progress, bool json)
    {
        TorchRuntime.EnsureLoaded();
        var figures = Works.Select(work => Measure(work, progress)).ToList();
        if (json)
        {
            output.WriteLine(JsonSerializer.Serialize(figures, new JsonSerializerOptions(JsonSerializerDefaults.Web) { WriteIndented = true }));
            return 0;
        }
        output.WriteLine($"{"network",-16}{"batch",6}{"stock",10}{"unfused",10}{"fused",10}{"over stock",12}{"over unfused",14}");
        foreach (var figure in figures)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{figure.Network,-16}{figure.Batch,6}{figure.Stock,10:F0}{figure.Unfused,10:F0}{figure.Fused,10:F0}{figure.OverStock,12:F2}{figure.OverUnfused,14:F2}"));
        return 0;
    }

    /// <summary>Measures all in turn, several rounds, and takes the median of each: what disturbs the machine disturbs them alike.</summary>
    private static FusionFigures Measure(Work work, TextWriter progress)
    {
        var cores = Environment.ProcessorCount;
        (string Name, Func<ITrials> Make, int Trials, int Threads)[] contestants =
        [
            ("stock", () => new StockTrial(work), 1, 1),
            ("stock on each core", () => new StockTrial(work), 1, cores),
            ("one trial on each core", () => new FusedTrials(work, 1), 1, cores),
            ("fused", () => new FusedTrials(work, work.Cohort), work.Cohort, cores),
        ];
        var rates = contestants.Select(_ => new List<double>()).ToArray();
        for (var round = 1; round <= Rounds; round++)
        {
            progress.WriteLine($"{work.Network}: round {round} of {Rounds}");
            for (var i = 0; i < contestants.Length; i++)
                rates[i].Add(Rate(contestants[i].Make, contestants[i].Threads) * contestants[i].Trials);
        }
        double[] medians = [.. rates.Select(list => list.Order().ElementAt(Rounds / 2))];
        var unfused = Math.Max(medians[1], medians[2]);
        return new(work.Network, work.BatchSize, Math.Round(medians[0]), Math.Round(unfused), Math.Round(medians[3]),
            Math.Round(medians[3] / medians[0], 2), Math.Round(medians[3] / unfused, 2));
    }

    /// <summary>Steps per second, all threads together.</summary>
    private static double Rate(Func<ITrials> make, int threads)
    {
        var rates = new double[threads];
        using var ready = new Barrier(threads);
        var running = Enumerable.Range(0, threads).Select(thread => new Thread(() =>
        {
            using var trials = make();
            for (var warm = 0; warm < 5; warm++)
                trials.Step();
            ready.SignalAndWait();
            var clock = Stopwatch.StartNew();
            var steps = 0;
            for (; clock.Elapsed < Slice; steps++)
                trials.Step();
            rates[thread] = steps / clock.Elapsed.TotalSeconds;
        })).ToList();
        running.ForEach(thread => thread.Start());
        running.ForEach(thread => thread.Join());
        return rates.Sum();
    }
}
