using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training;

/// <summary>Where an activation stands: a layer's units of some trials, and how many rows a mini-batch has.</summary>
/// <param name="Layer">Counted from 1.</param>
internal sealed record ActivationSite(int Layer, Segment Trials, ImmutableArray<Configuration> Configurations, int Units, int Rows);

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
        ["elu"] = new(Parameters.EluAlpha, site => new Elu(site.Configurations[0][Parameters.EluAlpha])),
    }.ToImmutableDictionary();

    /// <summary>What it learns.</summary>
    public virtual IEnumerable<Learned> Learned => [];

    /// <summary>Turns pre-activations into activations, in place.</summary>
    /// <param name="z">[n, H, rows]</param>
    /// <param name="training">Whether <see cref="Backward"/> will follow.</param>
    public abstract void Forward(Tensor z, bool training);

    /// <summary>Turns the loss gradient at the activations into that at the pre-activations, in place.</summary>
    /// <param name="gradient">[n, H, B]</param>
    /// <param name="output">What <see cref="Forward"/> made.</param>
    public abstract void Backward(Tensor gradient, Tensor output);
}

/// <summary>An entry of the table of activations.</summary>
/// <param name="Constant">A number on which the trials of one group must agree, or null.</param>
internal sealed record ActivationKind(NumberParameter? Constant, Func<ActivationSite, Activation> Make);
