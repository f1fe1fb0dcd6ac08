using System.CommandLine;
using System.Globalization;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Rendering;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Training.Costs;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Fusion;

namespace DeepTrain.Cluster.Client.Verbs;

/// <summary><c>plan FILE</c>: estimates a sweep's time here, and with <c>--costs</c> the cost of activations and batch norm.</summary>
internal static class PlanVerb
{
    public static Command Create()
    {
        var file = CommonOptions.SweepFile();
        var slots = CommonOptions.Slots();
        var costs = new Option<bool>("--costs")
        {
            Description = "Measure what each activation and batch norm costs in training and evaluation, by cohorts of like trials in turn.",
        };
        var command = new Command("plan", "Estimate how long a sweep would train here, or measure what its parts cost; nothing is stored.")
        {
            file, slots, costs,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var sources = CommonOptions.Sources(parsed);
            var input = await SweepFiles.ReadAsync(parsed.GetValue(file)!, sources, cancellation);
            if (input.Sweep.Cells[0].Configuration[Parameters.Trainer] is not Parameters.Fused and var trainer)
                throw new UserException(ExitCode.BadInput,
                    $"plan tries the networks that this program trains itself, and this sweep's trainer is {trainer}; run it with few trials to see how long they take.");
            // The trainer looks for data files among the kept ones, so this one is kept while the command runs.
            var kept = Directory.CreateTempSubdirectory("deeptrain-");
            try
            {
                if (input.DataFile is var (path, content))
                    KeptFiles.Keep(path, content, kept.FullName, TimeProvider.System);
                sources = sources with { Kept = kept.FullName };
                if (parsed.GetValue(costs))
                    WriteCosts(parsed.GetValue(CommonOptions.Format), input.Sweep, sources);
                else
                    WritePlan(parsed.GetValue(CommonOptions.Format), input.Sweep, parsed.GetValue(slots) ?? Environment.ProcessorCount, sources);
            }
            finally
            {
                kept.Delete(recursive: true);
            }
            return ExitCode.Done;
        });
        return command;
    }

    private static void WritePlan(OutputFormat format, Sweep sweep, int slots, DatasetSources sources)
    {
        var trainer = new FusedTrainer(TimeProvider.System, sources);
        var shapes = sweep.Cells.GroupBy(cell => cell.Configuration.FusionKey).Index().Select(shape =>
        {
            Console.Error.WriteLine($"{sweep.Name}: trying network {shape.Index + 1}");
            var configuration = shape.Item.First().Configuration;
            var (cohort, time) = trainer.Estimate(configuration);
            var trials = shape.Item.Count() * sweep.Replicates;
            return new
            {
                Network = Layers(configuration),
                BatchSize = configuration[Parameters.BatchSize],
                Epochs = configuration[Parameters.Epochs],
                Cells = shape.Item.Count(),
                Trials = trials,
                CohortSize = cohort,
                Seconds = Math.Round(time.TotalSeconds * trials / Math.Min(slots, trials), 1),
            };
        }).ToList();
        Output.WriteRows(
            format,
            [("network", false), ("batch", true), ("epochs", true), ("cells", true), ("trials", true), ("cohort", true), ("seconds", true)],
            [.. shapes.Select(shape => new[]
            {
                shape.Network, $"{shape.BatchSize}", $"{shape.Epochs}", $"{shape.Cells}", $"{shape.Trials}", $"{shape.CohortSize}",
                shape.Seconds.ToString(CultureInfo.InvariantCulture),
            })],
            new
            {
                sweep.Name, Cells = sweep.Cells.Length, sweep.Replicates, Trials = sweep.TrialCount, Slots = slots,
                Seconds = shapes.Sum(shape => shape.Seconds), Networks = shapes,
            });
    }

    private static void WriteCosts(OutputFormat format, Sweep sweep, DatasetSources sources)
    {
        var costs = new CostProbe(TimeProvider.System, sources)
            .Measure(sweep, what => Console.Error.WriteLine($"{sweep.Name}: measuring {what}"))
            .ToList();
        Output.WriteRows(
            format,
            [
                ("factor", false), ("level", false), ("against", false),
                ("training", true), ("trainingFrom", true), ("trainingTo", true),
                ("evaluation", true), ("evaluationFrom", true), ("evaluationTo", true),
            ],
            [.. costs.Select(cost => new[]
            {
                cost.Factor, cost.Level, cost.Baseline,
                Ratio(cost.Training.Median), Ratio(cost.Training.Low), Ratio(cost.Training.High),
                Ratio(cost.Evaluation.Median), Ratio(cost.Evaluation.Low), Ratio(cost.Evaluation.High),
            })],
            costs);
    }

    private static string Layers(Configuration configuration)
    {
        var hidden = configuration[Parameters.Hidden];
        var dense = hidden.Length > 3 && hidden.Distinct().Count() == 1 ? $"{hidden.Length}x{hidden[0]}" : string.Join('-', hidden);
        return configuration[Parameters.Architecture] == "convolution"
            ? $"convolution {string.Join('-', configuration[Parameters.Channels])}, {dense}"
            : dense;
    }

    private static string Ratio(double ratio) => ratio.ToString("0.00", CultureInfo.InvariantCulture);
}
