using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Training.Randomness;
using DeepTrain.Cluster.Training.Stacking;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Activations;

/// <summary>The purpose of a forward pass.</summary>
internal enum Mode
{
    /// <summary>For an update: mini-batch statistics, dropout, random slopes.</summary>
    Training,

    /// <summary>For measuring gradients: mini-batch statistics, but nothing random, and no change of the network's state.</summary>
    Probing,

    /// <summary>For evaluation: running statistics, nothing random, no gradients.</summary>
    Evaluation,
}

/// <summary>The position of an activation: a layer, some trials, and the size of their buffers.</summary>
/// <param name="Layer">Counted from 1.</param>
/// <param name="Alpha">The prelu slopes of these trials, [n, 1, 1]; null where no trial of the network has one.</param>
internal sealed record ActivationSite(
    int Layer, Segment Trials, ImmutableArray<Configuration> Configurations, int Units, int Columns, Learned? Alpha, StepDraws Draws,
    Placement On);

/// <summary>The activation function of one layer, for trials that have the same one with the same constant.</summary>
internal abstract class Activation
{
    /// <summary>The table of activations by their names in sweep files.</summary>
    public static ImmutableDictionary<string, ActivationKind> ByName { get; } = new Dictionary<string, ActivationKind>
    {
        ["logistic"] = new(null, _ => new Logistic()),
        ["tanh"] = new(null, _ => new HyperbolicTangent()),
        ["relu"] = new(null, _ => new Relu()),
        ["leaky-relu"] = new(Parameters.LeakAlpha, site => new LeakyRelu(site.Configurations[0][Parameters.LeakAlpha])),
        ["prelu"] = new(null, site => new PRelu(site)),
        ["rrelu"] = new(null, site => new RRelu(site)),
        ["elu"] = new(Parameters.EluAlpha, site => new Elu(site.Configurations[0][Parameters.EluAlpha], 1)),
        ["selu"] = new(null, _ => new Elu(Selu.Alpha, Selu.Scale)),
        ["gelu"] = new(null, site => new InputKeeping("gelu", site)),
        ["silu"] = new(null, site => new InputKeeping("silu", site)),
        ["mish"] = new(null, site => new InputKeeping("mish", site)),
        ["softplus"] = new(null, site => new InputKeeping("softplus", site)),
        ["identity"] = new(null, _ => new Identity()),
    }.ToImmutableDictionary();

    /// <summary>Whether it is 0, with slope 0, for all negative pre-activations, so that a unit can die.</summary>
    public virtual bool CanDie => false;

    /// <summary>Replaces pre-activations by activations, in place.</summary>
    /// <param name="z">[n, H, columns]</param>
    public abstract void Forward(Tensor z, Mode mode);

    /// <summary>Replaces the loss gradient at the activations by that at the pre-activations, in place.</summary>
    /// <param name="gradient">[n, H, columns]</param>
    /// <param name="output">The result of <see cref="Forward"/>.</param>
    public abstract void Backward(Tensor gradient, Tensor output);
}

/// <summary>An entry of the table of activations.</summary>
/// <param name="Constant">The parameter that must have the same value in all trials of a group; null where there is none.</param>
internal sealed record ActivationKind(NumberParameter? Constant, Func<ActivationSite, Activation> Make);
