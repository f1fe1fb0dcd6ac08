using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Training.Activations;
using DeepTrain.Cluster.Training.Optimizers;
using DeepTrain.Cluster.Training.Stacking;

namespace DeepTrain.Cluster.Training.Networks;

/// <summary>The order of trials in a network, which puts similar trials side by side so that one call handles them.</summary>
/// <remarks>Trials with batch norm come first. Then they are sorted by update rule, activation, its constant, and dropout.</remarks>
internal sealed class TrialOrder
{
    /// <param name="trials">Sorted by <see cref="Sort"/>.</param>
    public TrialOrder(ImmutableArray<Configuration> trials)
    {
        Groups = Segment.Runs(trials, Key);
        Normalised = Segment.Runs(trials, trial => trial[Parameters.BatchNorm])
            .Where(segment => trials[segment.Start][Parameters.BatchNorm])
            .Select(segment => (Segment?)segment).SingleOrDefault();
        NormalisesLast = Normalised is { } segment && trials[segment.Start][Parameters.BatchNormPlacement] == "after";
    }

    /// <summary>Trials with the same activation and constant, all with or all without dropout.</summary>
    public ImmutableArray<Segment> Groups { get; }

    /// <summary>The trials with batch norm; null where there are none.</summary>
    public Segment? Normalised { get; }

    /// <summary>Whether batch norm follows the activation.</summary>
    public bool NormalisesLast { get; }

    public static IEnumerable<T> Sort<T>(IEnumerable<T> trials, Func<T, Configuration> of) => trials.OrderBy(trial => Key(of(trial)));

    private static (bool Plain, OptimizerRule Rule, string Activation, double Constant, bool Dropout) Key(Configuration trial)
    {
        var name = trial[Parameters.Activation];
        return (!trial[Parameters.BatchNorm], Optimizer.RuleOf(trial), name,
            Activation.ByName[name].Constant is { } constant ? trial[constant] : 0, trial[Parameters.Dropout] > 0);
    }
}
