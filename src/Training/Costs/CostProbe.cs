using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Fusion;
using DeepTrain.Cluster.Training.Native;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Costs;

/// <summary>A ratio of times: its median over pairs, and an interval that holds the true median with 96 % confidence.</summary>
public sealed record CostRatio(double Median, double Low, double High);

/// <summary>What a level costs beside another, everything else being equal.</summary>
/// <param name="Factor">The parameter's name.</param>
/// <param name="Level">What is measured.</param>
/// <param name="Baseline">What it is measured against.</param>
/// <param name="Training">Of a training step.</param>
/// <param name="Evaluation">Of an evaluation of the validation rows.</param>
public sealed record Cost(string Factor, string Level, string Baseline, CostRatio Training, CostRatio Evaluation);

/// <summary>Measures what an activation or batch norm costs, by cohorts of like trials that run in turn.</summary>
/// <remarks>
/// A pair is one of each in the order A B B A, so that a drift of the machine's speed falls on both alike; of nine pairs the second and
/// the eighth ratio bound the median (sign test: 1 - 2 (1 + 9) / 2^9 = 96.1 %). Nothing is read off a mixed cohort.
/// </remarks>
/// <param name="datasets">Where data sets are; null: where the environment says.</param>
public sealed class CostProbe(TimeProvider time, DatasetSources? datasets = null)
{
    /// <summary>How many pairs are measured.</summary>
    public const int Pairs = 9;

    private const int MostBatches = 8;
    private const int MostRows = 1_024;

    /// <summary>How long one of a pair's four runs takes at least.</summary>
    private static readonly TimeSpan Run = TimeSpan.FromMilliseconds(15);

    private readonly DatasetSources _datasets = datasets ?? DatasetSources.Default;
    private readonly CohortSizes _sizes = new(ThreadTime.For(ComputeDevice.Processor, time), ComputeDevice.Processor);

    /// <summary>
    /// Each activation that the cells have against none (identity), and batch norm against none where it occurs; on the first cell's network.
    /// </summary>
    /// <param name="progress">Told what is measured next.</param>
    /// <exception cref="TrainerException">libtorch is missing, or the data do not suffice.</exception>
    public IEnumerable<Cost> Measure(Sweep sweep, Action<string> progress)
    {
        TorchRuntime.EnsureLoaded();
        TorchRuntime.FlushDenormals();
        var configurations = sweep.Cells.Select(cell => cell.Configuration).ToList();
        var plain = configurations.FirstOrDefault(configuration => !configuration[Parameters.BatchNorm]) ?? configurations[0];
        foreach (var name in configurations.Select(configuration => configuration[Parameters.Activation]).Distinct())
            yield return Compare(plain, Parameters.Activation, ParameterValue.Of(name), ParameterValue.Of("identity"), progress);
        // As the sweep has it: where it stands, and with its constants.
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
        // The first run also warms both up; how often one is repeated follows from it.
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
        // A few mini-batches tell it as well as an epoch of many.
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
