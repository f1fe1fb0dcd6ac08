using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Training.Activations;
using DeepTrain.Cluster.Training.Optimizers;
using DeepTrain.Cluster.Training.Stacking;

namespace DeepTrain.Cluster.Training.Networks;

/// <summary>How trials of one network stand side by side, so that those alike are treated in one call.</summary>
/// <remarks>Those with batch norm come first; within, by the optimizer's rule; within, by activation, its constant, and dropout.</remarks>
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

    /// <summary>The trials of one activation and constant, and all with dropout or all without.</summary>
    public ImmutableArray<Segment> Groups { get; }

    /// <summary>The trials with batch norm; null: there are none.</summary>
    public Segment? Normalised { get; }

    /// <summary>Whether batch norm stands after the activation.</summary>
    public bool NormalisesLast { get; }

    public static IEnumerable<T> Sort<T>(IEnumerable<T> trials, Func<T, Configuration> of) => trials.OrderBy(trial => Key(of(trial)));

    private static (bool Plain, OptimizerRule Rule, string Activation, double Constant, bool Dropout) Key(Configuration trial)
    {
        var name = trial[Parameters.Activation];
        return (!trial[Parameters.BatchNorm], Optimizer.RuleOf(trial), name,
            Activation.ByName[name].Constant is { } constant ? trial[constant] : 0, trial[Parameters.Dropout] > 0);
    }
}
