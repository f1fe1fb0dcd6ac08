using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Fusion;
using DeepTrain.Cluster.Training.Initializers;

// Trainers share the process: its count of tensors, its two cores.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace DeepTrain.Cluster.Training.Tests;

internal static class Trials
{
    public static ImmutableArray<string> Initializers => [.. Initializer.ByName.Keys.Order()];

    public static ImmutableArray<string> Activations => Parameters.Activation.Choices;

    public static Configuration Configuration(params (Parameter Parameter, object Value)[] values)
    {
        var all = new Dictionary<string, ParameterValue>
        {
            [Parameters.Dataset.Name] = ParameterValue.Of("digits"),
            [Parameters.Hidden.Name] = ParameterValue.Of([64, 32]),
            [Parameters.Epochs.Name] = ParameterValue.Of(2L),
            [Parameters.LearningRate.Name] = ParameterValue.Of(0.05),
            [Parameters.Momentum.Name] = ParameterValue.Of(0.9),
        };
        foreach (var (parameter, value) in values)
        {
            all[parameter.Name] = value switch
            {
                string text => ParameterValue.Of(text),
                bool flag => ParameterValue.Of(flag),
                int integer => ParameterValue.Of((long)integer),
                double number => ParameterValue.Of(number),
                int[] sizes => ParameterValue.Of([.. sizes]),
                _ => throw new ArgumentException($"{value.GetType()} is no kind of a parameter's value."),
            };
        }
        return Sweeps.Configurations.Configuration.Resolve(all);
    }

    public static CohortTrial Trial(this Configuration configuration, int replicate = 1) =>
        new(new("test-1", configuration.CellId, replicate), configuration);

    public static Cohort Cohort(this IEnumerable<CohortTrial> trials) => new([.. trials]);

    /// <summary>
    /// Every activation with and without batch norm, three times; among them every initializer, optimizer and schedule, with and without
    /// dropout, decay, clipping and label smoothing, in combinations that never repeat.
    /// </summary>
    /// <param name="normalisesLast">Batch norm after the activation, with a momentum and epsilon of its own.</param>
    /// <param name="batchNorm">Whether any trial has it: it needs more than one row.</param>
    public static ImmutableArray<CohortTrial> Mixed(
        int[] hidden, int batchSize, int epochs = 2, int replicate = 1, bool normalisesLast = false, bool batchNorm = true)
    {
        var trials = ImmutableArray.CreateBuilder<CohortTrial>();
        foreach (var activation in Activations)
        {
            foreach (var normalises in new[] { false, true, false, true, false, true })
            {
                var i = trials.Count;
                trials.Add(Configuration(
                    (Parameters.Hidden, hidden),
                    (Parameters.BatchSize, batchSize),
                    (Parameters.Epochs, epochs),
                    (Parameters.Activation, activation),
                    (Parameters.Initializer, Initializers[i % Initializers.Length]),
                    (Parameters.InitializerStd, 0.1),
                    (Parameters.LeakAlpha, i % 2 == 0 ? 0.01 : 0.2),
                    (Parameters.EluAlpha, i % 3 == 0 ? 1.5 : 1.0),
                    (Parameters.PreluAlpha, 0.1 + 0.002 * i),
                    (Parameters.Fan, Parameters.Fan.Choices[i % 4]),
                    (Parameters.Gain, Parameters.Gain.Choices[i % 3]),
                    (Parameters.BatchNorm, batchNorm && (normalises || normalisesLast)),
                    (Parameters.BatchNormPlacement, normalisesLast ? "after" : "before"),
                    (Parameters.BatchNormMomentum, normalisesLast ? 0.3 : 0.1),
                    (Parameters.BatchNormEpsilon, normalisesLast ? 1e-3 : 1e-5),
                    (Parameters.Dropout, i % 4 == 3 ? 0.1 + 0.001 * i : 0.0),
                    (Parameters.Optimizer, Parameters.Optimizer.Choices[i / 2 % 4]),
                    (Parameters.Nesterov, i % 3 == 1),
                    (Parameters.LearningRate, (i / 2 % 4 == 0 ? 0.02 : 0.002) * (1 + 0.01 * i)),
                    (Parameters.Momentum, i % 4 == 0 ? 0.0 : 0.8),
                    (Parameters.Beta1, i % 5 == 0 ? 0.8 : 0.9),
                    (Parameters.Beta2, i % 5 == 1 ? 0.99 : 0.999),
                    (Parameters.RmspropDecay, i % 5 == 2 ? 0.9 : 0.99),
                    (Parameters.OptimizerEpsilon, i % 5 == 3 ? 1e-6 : 1e-8),
                    (Parameters.WeightDecay, i % 3 == 0 ? 0.001 * (1 + i) : 0.0),
                    (Parameters.Schedule, Parameters.Schedule.Choices[i % 5]),
                    (Parameters.WarmupEpochs, i % 7 == 0 ? 0.5 : 0.0),
                    (Parameters.GradientClip, i % 5 == 2 ? 0.5 : 0.0),
                    (Parameters.LabelSmoothing, i % 6 == 5 ? 0.1 : 0.0)).Trial(replicate));
            }
        }
        return trials.ToImmutable();
    }

    /// <summary>Trains to the end.</summary>
    public static ILookup<TrialId, EpochReport> Train(this Cohort cohort)
    {
        using var run = new FusedTrainer(TimeProvider.System).Start(cohort);
        var reports = run.ReportStart().ToList();
        while (run.InTraining.Count > 0)
            reports.AddRange(run.TrainEpoch());
        return reports.ToLookup(report => report.Trial);
    }

    /// <summary>Everything that must not depend on the neighbours, to the last bit.</summary>
    public static IEnumerable<string> Bits(this IEnumerable<EpochReport> reports) => reports.Select(report =>
        $"{report.Epoch} {report.TrainLoss:R} {report.ValidationLoss:R} {report.ValidationAccuracy:R} "
        + $"{report.Ending?.Outcome} {report.Ending?.TestLoss:R} {report.Ending?.TestAccuracy:R} {report.Health?.Ailments} "
        + (report.Health is { } health ? Convert.ToHexString(health.Pack()) : ""));
}
