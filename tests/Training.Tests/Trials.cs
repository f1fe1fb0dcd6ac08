using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps;

// Trainers share the process: its count of tensors, its two cores.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace DeepTrain.Cluster.Training.Tests;

internal static class Trials
{
    public static ImmutableArray<string> Initializers => Parameters.Initializer.Choices;

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
        return Sweeps.Configuration.Resolve(all);
    }

    public static CohortTrial Trial(this Configuration configuration, int replicate = 1) =>
        new(new("test-1", configuration.CellId, replicate), configuration);

    public static Cohort Cohort(this IEnumerable<CohortTrial> trials) => new([.. trials]);

    /// <summary>Every activation with every initializer, with and without batch norm; rates, momenta and constants differ.</summary>
    public static ImmutableArray<CohortTrial> Mixed(int[] hidden, int batchSize, int epochs = 2, int replicate = 1) =>
    [
        .. from activation in Activations
           from initializer in Initializers
           from batchNorm in new[] { false, true }
           let place = Activations.IndexOf(activation) * 2 + Initializers.IndexOf(initializer)
           select Configuration(
               (Parameters.Hidden, hidden),
               (Parameters.BatchSize, batchSize),
               (Parameters.Epochs, epochs),
               (Parameters.Activation, activation),
               (Parameters.Initializer, initializer),
               (Parameters.InitializerStd, 0.1),
               (Parameters.LeakAlpha, place % 2 == 0 ? 0.01 : 0.2),
               (Parameters.EluAlpha, place % 3 == 0 ? 1.5 : 1.0),
               (Parameters.PreluAlpha, 0.1 + 0.02 * place),
               (Parameters.BatchNorm, batchNorm),
               (Parameters.LearningRate, 0.02 + 0.005 * place),
               (Parameters.Momentum, place % 4 == 0 ? 0.0 : 0.8)).Trial(replicate)
    ];

    /// <summary>Trains to the end.</summary>
    public static ILookup<TrialId, EpochReport> Train(this Cohort cohort)
    {
        using var run = new FusedTrainer(TimeProvider.System).Start(cohort);
        var reports = new List<EpochReport>();
        while (run.Aboard.Count > 0)
            reports.AddRange(run.TrainEpoch());
        return reports.ToLookup(report => report.Trial);
    }

    /// <summary>Everything that must not depend on the neighbours, to the last bit.</summary>
    public static IEnumerable<string> Bits(this IEnumerable<EpochReport> reports) => reports.Select(report =>
        $"{report.Epoch} {report.TrainLoss:R} {report.ValidationLoss:R} {report.ValidationAccuracy:R} "
        + $"{report.Ending?.Outcome} {report.Ending?.TestLoss:R} {report.Ending?.TestAccuracy:R}");
}
