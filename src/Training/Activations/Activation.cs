using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Training.Randomness;
using DeepTrain.Cluster.Training.Stacking;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Activations;

/// <summary>What a forward pass is for.</summary>
internal enum Mode
{
    /// <summary>An update follows: mini-batch statistics, dropout, random slopes.</summary>
    Training,

    /// <summary>Gradients are looked at: mini-batch statistics, but nothing random, and nothing of the network's state changes.</summary>
    Probing,

    /// <summary>Running statistics, nothing random, no gradients.</summary>
    Evaluation,
}

/// <summary>Where an activation stands: a layer's units of some trials, and how many columns a mini-batch has there.</summary>
/// <param name="Layer">Counted from 1.</param>
/// <param name="Alpha">Prelu's slope of these trials, [n, 1, 1]; null where no trial of the network has one.</param>
internal sealed record ActivationSite(
    int Layer, Segment Trials, ImmutableArray<Configuration> Configurations, int Units, int Columns, Learned? Alpha, StepDraws Draws,
    Placement On);

/// <summary>A non-linearity of one layer, for trials that share it and its constant.</summary>
internal abstract class Activation
{
    /// <summary>The table of activations, by the name that a sweep file gives them.</summary>
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

    /// <summary>Whether it is 0, and flat, for all negative pre-activations, so that a unit can die.</summary>
    public virtual bool CanDie => false;

    /// <summary>Turns pre-activations into activations, in place.</summary>
    /// <param name="z">[n, H, columns]</param>
    public abstract void Forward(Tensor z, Mode mode);

    /// <summary>Turns the loss gradient at the activations into that at the pre-activations, in place.</summary>
    /// <param name="gradient">[n, H, columns]</param>
    /// <param name="output">What <see cref="Forward"/> made.</param>
    public abstract void Backward(Tensor gradient, Tensor output);
}

/// <summary>An entry of the table of activations.</summary>
/// <param name="Constant">A number on which the trials of one group must agree, or null.</param>
internal sealed record ActivationKind(NumberParameter? Constant, Func<ActivationSite, Activation> Make);
