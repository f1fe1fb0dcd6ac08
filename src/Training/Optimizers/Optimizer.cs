using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Schedules;
using DeepTrain.Cluster.Training.Stacking;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Optimizers;

/// <summary>The update rules that trials can have.</summary>
internal enum OptimizerRule
{
    /// <summary>v = mu v + g; w -= rate v. Polyak 1964, as Sutskever et al. 2013 write it.</summary>
    Momentum,

    /// <summary>v = mu v + g; w -= rate (g + mu v). Nesterov 1983, as Sutskever et al. 2013 and PyTorch write it.</summary>
    Nesterov,

    /// <summary>s = d s + (1 - d) g^2; v = mu v + g / (sqrt s + eps); w -= rate v. Tieleman and Hinton 2012, with momentum as in PyTorch.</summary>
    RmsProp,

    /// <summary>
    /// m = b1 m + (1 - b1) g; s = b2 s + (1 - b2) g^2; w -= rate m / (1 - b1^t) / (sqrt(s / (1 - b2^t)) + eps). Kingma and Ba 2015.
    /// </summary>
    Adam,

    /// <summary>Adam with weight decay of rate x decay in the step itself, not through the gradient. Loshchilov and Hutter 2019.</summary>
    AdamW,
}

/// <summary>Updates all trials of a network from their gradients, each with its own rule, rates and schedule.</summary>
internal sealed class Optimizer
{
    // The rows of a step's coefficients.
    internal const int Rate = 0; // minus the learning rate; adam's over 1 - beta1^t
    internal const int Inverse = 1; // 1 / sqrt(1 - beta2^t)
    internal const int Kept = 2; // 1 - rate x decay
    private const int Coefficients = 3;

    private readonly ImmutableArray<Configuration> _trials;
    private readonly ImmutableArray<LearningRateSchedule> _schedules;
    private readonly int _stepsPerEpoch;
    private readonly Tensor _table; // [steps, coefficients, K, 1, 1]
    private readonly Tensor _current; // [coefficients, K, 1, 1]
    private readonly Clipping? _clipping;
    private readonly ImmutableArray<RuleGroup> _groups;

    /// <param name="trials">Sorted so that trials of one rule are consecutive.</param>
    public Optimizer(ImmutableArray<Learned> learned, ImmutableArray<Configuration> trials, int stepsPerEpoch)
    {
        var on = Placement.Of(learned[0].Value);
        _trials = trials;
        _schedules = [.. trials.Select(trial => new LearningRateSchedule(trial, stepsPerEpoch))];
        _stepsPerEpoch = stepsPerEpoch;
        _table = on.Zeros(stepsPerEpoch, Coefficients, trials.Length, 1, 1);
        _current = on.Zeros(Coefficients, trials.Length, 1, 1);
        _clipping = trials.Any(trial => trial[Parameters.GradientClip] > 0) ? new(learned, trials) : null;
        var velocities = learned.Select(tensor => Like(tensor, "velocity")).ToImmutableArray();
        var squares = trials.All(trial => RuleOf(trial) is OptimizerRule.Momentum or OptimizerRule.Nesterov)
            ? []
            : learned.Select(tensor => Like(tensor, "square")).ToImmutableArray();
        State = [.. velocities, .. squares];
        _groups = [.. Segment.Runs(trials, RuleOf).Select(segment =>
            new RuleGroup(RuleOf(trials[segment.Start]), segment, trials, learned, velocities, squares, _current))];

        static Stacked Like(Learned tensor, string name) => new($"{tensor.Name}.{name}", tensor.Trials, zeros_like(tensor.Value));
    }

    /// <summary>The state that it keeps between steps.</summary>
    public ImmutableArray<Stacked> State { get; }

    public static OptimizerRule RuleOf(Configuration trial) => trial[Parameters.Optimizer] switch
    {
        "sgd" => trial[Parameters.Nesterov] ? OptimizerRule.Nesterov : OptimizerRule.Momentum,
        "rmsprop" => OptimizerRule.RmsProp,
        "adam" => OptimizerRule.Adam,
        _ => OptimizerRule.AdamW,
    };

    /// <param name="epoch">Counted from 1.</param>
    public void BeginEpoch(int epoch)
    {
        var table = new double[_stepsPerEpoch * Coefficients * _trials.Length];
        var at = 0;
        for (var step = (epoch - 1) * _stepsPerEpoch; step < epoch * _stepsPerEpoch; step++)
        {
            var coefficients = _trials.Select((trial, place) => Of(trial, _schedules[place].Rate(step), step)).ToList();
            foreach (var (rate, _, _) in coefficients)
                table[at++] = rate;
            foreach (var (_, inverse, _) in coefficients)
                table[at++] = inverse;
            foreach (var (_, _, kept) in coefficients)
                table[at++] = kept;
        }
        using var filled = tensor(table, _table.shape);
        _table.copy_(filled);
    }

    /// <param name="step">Counted from 0 within the epoch.</param>
    public void Step(int step)
    {
        Kernels.Run("set_row", _current, _table, step);
        _clipping?.Clip();
        foreach (var group in _groups)
            group.Update();
    }

    /// <param name="step">Counted from 0 from the start of training.</param>
    private static (double Rate, double Inverse, double Kept) Of(Configuration trial, double rate, int step)
    {
        if (RuleOf(trial) is not (OptimizerRule.Adam or OptimizerRule.AdamW))
            return (-rate, 1, 1);
        return (
            -rate / (1 - Math.Pow(trial[Parameters.Beta1], step + 1)),
            1 / Math.Sqrt(1 - Math.Pow(trial[Parameters.Beta2], step + 1)),
            1 - rate * trial[Parameters.WeightDecay]);
    }
}
