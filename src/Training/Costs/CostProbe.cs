using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Fusion;
using DeepTrain.Cluster.Training.Native;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Costs;

/// <summary>A ratio of times: its median over pairs, and a 96 % confidence interval of the true median.</summary>
public sealed record CostRatio(double Median, double Low, double High);

/// <summary>The cost of a level relative to another, everything else being equal.</summary>
/// <param name="Factor">The parameter's name.</param>
/// <param name="Level">The measured level.</param>
/// <param name="Baseline">The level that it is compared with.</param>
/// <param name="Training">The ratio of the times of a training step.</param>
/// <param name="Evaluation">The ratio of the times of an evaluation on the validation rows.</param>
public sealed record Cost(string Factor, string Level, string Baseline, CostRatio Training, CostRatio Evaluation);

/// <summary>Measures the cost of an activation or of batch norm by alternately running cohorts of identical trials.</summary>
/// <remarks>
/// Each pair runs in the order A B B A, so that a drift of the machine's speed affects both alike. Of nine pairs, the second and
/// eighth ratio bound the median (sign test: 1 - 2 (1 + 9) / 2^9 = 96.1 %). No mixed cohort is used.
/// </remarks>
/// <param name="datasets">Where to find data sets; null: where the environment says.</param>
public sealed class CostProbe(TimeProvider time, DatasetSources? datasets = null)
{
    /// <summary>The number of pairs.</summary>
    public const int Pairs = 9;

    private const int MostBatches = 8;
    private const int MostRows = 1_024;

    /// <summary>The shortest time of each of the four runs of a pair.</summary>
    private static readonly TimeSpan Run = TimeSpan.FromMilliseconds(15);

    private readonly DatasetSources _datasets = datasets ?? DatasetSources.Default;
    private readonly CohortSizes _sizes = new(ThreadTime.For(ComputeDevice.Processor, time), ComputeDevice.Processor);

    /// <summary>
    /// On the first cell's network, compares each activation of the cells with none (identity), and batch norm, if it occurs, with none.
    /// </summary>
    /// <param name="progress">Receives the name of the next measurement.</param>
    /// <exception cref="TrainerException">libtorch is missing, or there are not enough data.</exception>
    public IEnumerable<Cost> Measure(Sweep sweep, Action<string> progress)
    {
        TorchRuntime.EnsureLoaded();
        TorchRuntime.FlushDenormals();
        var configurations = sweep.Cells.Select(cell => cell.Configuration).ToList();
        var plain = configurations.FirstOrDefault(configuration => !configuration[Parameters.BatchNorm]) ?? configurations[0];
        foreach (var name in configurations.Select(configuration => configuration[Parameters.Activation]).Distinct())
            yield return Compare(plain, Parameters.Activation, ParameterValue.Of(name), ParameterValue.Of("identity"), progress);
        // Batch norm as in the sweep, with its position and constants.
        if (configurations.Find(configuration => configuration[Parameters.BatchNorm]) is { } normalised)
            yield return Compare(normalised, Parameters.BatchNorm, ParameterValue.Of(true), ParameterValue.Of(false), progress);
    }

    /// <summary>The median of ratios and its interval by order statistics.</summary>
    internal static CostRatio Of(IEnumerable<double> ratios)
    {
        var ordered = ratios.Order().ToList();
        return new(ordered[ordered.Count / 2], ordered[1], ordered[^2]);
    }

    private Cost Compare(Configuration example, Parameter factor, ParameterValue level, ParameterValue baseline, Action<string> progress)
    {
        progress($"{factor.Name} {level} against {baseline}");
        using var inference = inference_mode();
        var (one, other) = (With(example, factor, level), With(example, factor, baseline));
        var (data, replicates) = Replicate.Prepare(one, [1], _datasets);
        using var run = data;
        var size = _sizes.Of(one, data.Info).Size;
        using var stage = StageOf(one, data, replicates[1], size);
        using var against = StageOf(other, data, replicates[1], size);
        return new(factor.Name, $"{level}", $"{baseline}",
            Ratio(stage, against, (stage, epoch) => stage.Train(epoch)), Ratio(stage, against, (stage, _) => stage.Validate()));
    }

    private CostRatio Ratio(Stage stage, Stage against, Action<Stage, int> run)
    {
        var epoch = 0;
        // The first run also fills the caches, and determines how often to repeat a run.
        Seconds(stage, 1);
        var repeats = Math.Max(1, (int)Math.Ceiling(Run.TotalSeconds / Math.Max(1e-6, Seconds(against, 1))));
        return Of(Enumerable.Range(0, Pairs).Select(_ =>
        {
            var (a, b) = (Seconds(stage, repeats), Seconds(against, repeats));
            b += Seconds(against, repeats);
            a += Seconds(stage, repeats);
            return a / b;
        }).ToList());

        double Seconds(Stage of, int times)
        {
            var started = time.GetTimestamp();
            for (var i = 0; i < times; i++)
                run(of, epoch % 1_000 + 1);
            epoch++;
            return time.GetElapsedTime(started).TotalSeconds;
        }
    }

    private static Stage StageOf(Configuration configuration, Dataset data, Replicate whole, int size)
    {
        // A few mini-batches are as good as a whole epoch.
        var replicate = whole with
        {
            Partition = whole.Partition with
            {
                Train = [.. whole.Partition.Train.Take(MostBatches * configuration[Parameters.BatchSize])],
                Validation = [.. whole.Partition.Validation.Take(MostRows)],
            },
        };
        return new(data, [.. Enumerable.Repeat(configuration, size)], [.. Enumerable.Repeat(replicate, size)], watches: false);
    }

    private static Configuration With(Configuration configuration, Parameter parameter, ParameterValue value) =>
        Configuration.Resolve(new Dictionary<string, ParameterValue>(configuration.Values) { [parameter.Name] = value });
}
