using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Stacking;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Optimizers;

/// <summary>The trials of one update rule, with views of their parts of all tensors.</summary>
internal sealed class RuleGroup
{
    private readonly Action? _decay;
    private readonly Action _update;

    /// <param name="segment">The trials of the rule among all <paramref name="trials"/>.</param>
    /// <param name="squares">Empty where no rule of the network uses them.</param>
    /// <param name="current">The coefficients of the step, in the layout of <see cref="Optimizer"/>.</param>
    public RuleGroup(
        OptimizerRule rule, Segment segment, ImmutableArray<Configuration> trials, ImmutableArray<Learned> learned,
        ImmutableArray<Stacked> velocities, ImmutableArray<Stacked> squares, Tensor current)
    {
        var all = new Segment(0, trials.Length);
        var places = Enumerable.Range(0, learned.Length).Where(place => learned[place].Trials.Intersect(segment).Count > 0).ToArray();
        var decaying = places.Where(place => learned[place].Decays).ToArray();
        var values = Of(places, place => learned[place].Value);
        var gradients = Of(places, place => learned[place].Gradient);
        var momenta = Of(places, place => velocities[place].Value);
        var rates = PerTrial(places, current[Optimizer.Rate]);
        if (trials.Slice(segment.Start, segment.Count).Any(trial => trial[Parameters.WeightDecay] > 0))
        {
            var decayed = Of(decaying, place => learned[place].Value);
            var (kept, ofGradients) = (PerTrial(decaying, current[Optimizer.Kept]), Of(decaying, place => learned[place].Gradient));
            var decays = PerTrial(decaying, Column(trial => trial[Parameters.WeightDecay]));
            _decay = rule is OptimizerRule.AdamW
                ? () => Kernels.Run("shrink", decayed, kept)
                : () => Kernels.Run("decay", decayed, ofGradients, decays);
        }

        if (rule is OptimizerRule.Momentum or OptimizerRule.Nesterov)
        {
            var momentum = PerTrial(places, Column(trial => trial[Parameters.Momentum]));
            var kernel = rule is OptimizerRule.Momentum ? "sgd" : "nesterov";
            _update = () => Kernels.Run(kernel, values, gradients, momenta, rates, momentum);
            return;
        }
        var secondMoments = Of(places, place => squares[place].Value);
        var epsilon = PerTrial(places, Column(trial => trial[Parameters.OptimizerEpsilon]));
        if (rule is OptimizerRule.RmsProp)
        {
            var momentum = PerTrial(places, Column(trial => trial[Parameters.Momentum]));
            var fresh = PerTrial(places, Column(trial => 1 - trial[Parameters.RmspropDecay]));
            _update = () => Kernels.Run("rmsprop", values, gradients, momenta, secondMoments, rates, momentum, fresh, epsilon);
        }
        else
        {
            var inverse = PerTrial(places, current[Optimizer.Inverse]);
            var fresh1 = PerTrial(places, Column(trial => 1 - trial[Parameters.Beta1]));
            var fresh2 = PerTrial(places, Column(trial => 1 - trial[Parameters.Beta2]));
            _update = () => Kernels.Run("adam", values, gradients, momenta, secondMoments, rates, inverse, fresh1, fresh2, epsilon);
        }

        // The part of each tensor that belongs to trials of the rule.
        Tensor[] Of(int[] which, Func<int, Tensor> tensor) =>
            [.. which.Select(place => learned[place].Trials.Intersect(segment).Of(tensor(place), learned[place].Trials))];

        // The same trials' part of a tensor with one number for each trial, [K, 1, 1].
        Tensor[] PerTrial(int[] which, Tensor column) =>
            [.. which.Select(place => learned[place].Trials.Intersect(segment).Of(column, all))];

        // Trials of other rules may lack the parameter, so they get 0.
        Tensor Column(Func<Configuration, double> of) => Placement.Of(current).Column(
            [.. trials.Select((trial, place) => place >= segment.Start && place < segment.End ? of(trial) : 0)]);
    }

    public void Update()
    {
        _decay?.Invoke();
        _update();
    }
}
