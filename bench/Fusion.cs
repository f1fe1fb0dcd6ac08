using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Fusion;
using DeepTrain.Cluster.Training.Native;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Bench;

/// <summary>What fusing gains.</summary>
/// <param name="Stock">Trial-steps per second of TorchSharp's modules and optimizer, one trial on one thread.</param>
/// <param name="Unfused">Of one trial for each core: ours with a cohort of one, or the stock ones, whichever is faster.</param>
/// <param name="Fused">Of one cohort for each core.</param>
/// <param name="PeakFraction">The fused products' floating-point operations over those of large square products, each core its own.</param>
/// <param name="HealthCost">The time of an epoch with gradient health over that without, validation included.</param>
/// <param name="HealthSteps">The mini-batches in that epoch: the fewer, the more a look at the gradients weighs.</param>
internal sealed record FusionFigures(
    string Network, int Batch, int Cohort, double Stock, double Unfused, double Fused, double OverStock, double OverUnfused,
    double PeakFraction, double HealthCost, int HealthSteps);

internal static class Fusion
{
    private const int Rounds = 9;
    private static readonly TimeSpan Slice = TimeSpan.FromSeconds(0.35);
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static IReadOnlyList<Work> Works { get; } =
    [
        new("64-64-32-10", [64, 64, 32, 10], 32, 60, 1_797),
        new("784-20x100-10", [784, .. Enumerable.Repeat(100, 20), 10], 64, 8, 15_000),
        new("784-300-100-10", [784, 300, 100, 10], 64, 8, 15_000),
    ];

    public static int Run(TextWriter output, TextWriter progress, bool json)
    {
        TorchRuntime.EnsureLoaded();
        var figures = Works.Select(work => Measure(work, progress)).ToList();
        if (json)
        {
            output.WriteLine(JsonSerializer.Serialize(figures, Json));
            return 0;
        }
        output.WriteLine($"{"network",-16}{"batch",6}{"stock",10}{"unfused",10}{"fused",10}{"over stock",12}{"over unfused",14}{"of peak",9}{"health",8}");
        foreach (var figure in figures)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{figure.Network,-16}{figure.Batch,6}{figure.Stock,10:F0}{figure.Unfused,10:F0}{figure.Fused,10:F0}{figure.OverStock,12:F2}{figure.OverUnfused,14:F2}{figure.PeakFraction,9:P0}{figure.HealthCost,8:F3}"));
        return 0;
    }

    /// <summary>Measures all in turn, round by round; medians of the rates and of the rounds' ratios: what disturbs a round disturbs all.</summary>
    private static FusionFigures Measure(Work work, TextWriter progress)
    {
        var cores = Environment.ProcessorCount;
        (string Name, Func<ITrials> Make, int Trials, int Threads)[] contestants =
        [
            ("stock", () => new StockTrial(work), 1, 1),
            ("stock on each core", () => new StockTrial(work), 1, cores),
            ("one trial on each core", () => new FusedTrials(work, 1), 1, cores),
            ("fused", () => new FusedTrials(work, work.Cohort), work.Cohort, cores),
            ("square products", () => new SquareProducts(), 1, cores),
        ];
        var rates = contestants.Select(_ => new List<double>()).ToArray();
        for (var round = 1; round <= Rounds; round++)
        {
            progress.WriteLine($"{work.Network}: round {round} of {Rounds}");
            for (var i = 0; i < contestants.Length; i++)
                rates[i].Add(Rate(contestants[i].Make, contestants[i].Threads) * contestants[i].Trials);
        }
        var unfused = rates[1].Zip(rates[2], Math.Max).ToList();
        var (cost, steps) = HealthCost(work, progress);
        return new(work.Network, work.BatchSize, work.Cohort,
            Math.Round(Median(rates[0])), Math.Round(Median(unfused)), Math.Round(Median(rates[3])),
            Math.Round(Median(rates[3].Zip(rates[0], (fused, stock) => fused / stock)), 2),
            Math.Round(Median(rates[3].Zip(unfused, (fused, one) => fused / one)), 2),
            Math.Round(Median(rates[3].Zip(rates[4], (fused, squares) => fused * work.Operations / (squares * SquareProducts.Operations))), 3),
            Math.Round(cost, 3), steps);
    }

    /// <summary>Epochs of one cohort with and without a look at the gradients, in turn.</summary>
    private static (double Ratio, int Steps) HealthCost(Work work, TextWriter progress)
    {
        using var inference = inference_mode();
        var data = Work.Random(work.Layers[0], work.Layers[^1], work.Rows);
        var configurations = Enumerable.Repeat(work.Configuration, work.Cohort).ToImmutableArray();
        var replicate = new Replicate(new(1), Partition.Of(data, work.Configuration, 1), 0);
        var replicates = Enumerable.Repeat(replicate, work.Cohort).ToImmutableArray();
        using var watched = new Stage(data, configurations, replicates);
        using var plain = new Stage(data, configurations, replicates, watches: false);
        var ratios = new List<double>();
        for (var round = 0; round <= Rounds; round++)
        {
            progress.WriteLine($"{work.Network}: gradient health, round {round} of {Rounds}");
            var with = Seconds(() =>
            {
                watched.Train(1);
                watched.Validate();
                watched.Look(new bool[work.Cohort]);
            });
            var without = Seconds(() =>
            {
                plain.Train(1);
                plain.Validate();
            });
            // The first round warms both up.
            if (round > 0)
                ratios.Add(with / without);
        }
        return (Median(ratios), plain.Steps);

        static double Seconds(Action run)
        {
            var clock = Stopwatch.StartNew();
            run();
            return clock.Elapsed.TotalSeconds;
        }
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(Rounds / 2);

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
