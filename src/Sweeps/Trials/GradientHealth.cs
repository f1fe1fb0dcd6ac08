using System.Buffers.Binary;
using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;

namespace DeepTrain.Cluster.Sweeps.Trials;

/// <summary>The problems that a network's gradients can have, in the order in which the verdict names them.</summary>
[Flags]
public enum Ailments
{
    None = 0,

    /// <summary>A loss or parameter became infinite or NaN.</summary>
    Diverged = 1,

    /// <summary>The ratio of the gradients at the first and last hidden layer is above 1000, or not finite.</summary>
    Exploding = 2,

    /// <summary>That ratio is below 0.001, or the last hidden layer has no gradient.</summary>
    Vanishing = 4,

    /// <summary>In a hidden layer of logistic or tanh units, at least a quarter of the slopes are below 0.01.</summary>
    Saturated = 8,

    /// <summary>In a hidden layer whose units can die, at least half of the units output 0 for every validation row.</summary>
    Dying = 16,
}

/// <summary>The measurements of one layer on the replicate's fixed mini-batch. NaN where a number does not apply.</summary>
/// <param name="Mean">The mean of the pre-activations over units and rows.</param>
/// <param name="Variance">The variance of the pre-activations over units and rows.</param>
/// <param name="GradientRms">The root mean square, over units and rows, of the loss gradient at the pre-activations.</param>
/// <param name="WeightGradientNorm">The Euclidean norm of the gradient of the mini-batch loss with respect to the weights.</param>
/// <param name="UpdateRatio">The norm of the last weight update divided by the norm of the weights before it; NaN before the first.</param>
/// <param name="FlatSlopes">In hidden layers, the share of (unit, row) pairs whose activation has |f'| below 0.01.</param>
/// <param name="DeadUnits">In hidden layers whose units can die, the share of units that output 0 for every validation row.</param>
/// <param name="Alpha">The learned slope of prelu.</param>
public readonly record struct LayerHealth(
    float Mean, float Variance, float GradientRms, float WeightGradientNorm, float UpdateRatio, float FlatSlopes, float DeadUnits,
    float Alpha);

/// <summary>The gradients of a trial at one moment, with batch norm in training mode.</summary>
/// <param name="Layers">From the first hidden layer to the output.</param>
/// <param name="Ailments">All problems found.</param>
public sealed record GradientHealth(ImmutableArray<LayerHealth> Layers, Ailments Ailments)
{
    private const double MostRatio = 1e3;
    private const double LeastRatio = 1e-3;
    private const float SaturatedShare = 0.25f;
    private const float DyingShare = 0.5f;
    private const int NumbersPerLayer = 8;

    // Some databases reject NaN or sort it inconsistently, so these numbers replace it.
    private const float DoesNotApply = float.MinValue;
    private const float Infinite = float.MaxValue;

    /// <summary>The gradient's root mean square at the first hidden layer divided by that at the last; ideally 1.</summary>
    public double Ratio => (double)Layers[0].GradientRms / Layers[^2].GradientRms;

    /// <summary>Determines the ailments from the measurements of the layers.</summary>
    /// <param name="diverged">Whether a loss or parameter of the trial became infinite or NaN.</param>
    public static GradientHealth Of(ImmutableArray<LayerHealth> layers, Configuration configuration, bool diverged)
    {
        var health = new GradientHealth(layers, Ailments.None);
        var hidden = layers[..^1];
        var activation = configuration[Parameters.Activation];
        var ailments = diverged ? Ailments.Diverged : Ailments.None;
        // If the gradient at the last layer is 0, the ratio is infinite or NaN, but the gradient has vanished all the same.
        if (hidden[^1].GradientRms == 0 || health.Ratio < LeastRatio)
            ailments |= Ailments.Vanishing;
        else if (!(health.Ratio <= MostRatio))
            ailments |= Ailments.Exploding;
        if (activation is "logistic" or "tanh" && hidden.Any(layer => layer.FlatSlopes >= SaturatedShare))
            ailments |= Ailments.Saturated;
        if (hidden.Any(layer => layer.DeadUnits >= DyingShare) && HasNoSlopeBelowZero(activation, configuration))
            ailments |= Ailments.Dying;
        return health with { Ailments = ailments };
    }

    /// <summary>All numbers as float32, little-endian. Extreme finite values encode infinities and numbers that do not apply.</summary>
    public byte[] Pack()
    {
        var bytes = new byte[Layers.Length * NumbersPerLayer * sizeof(float)];
        var at = 0;
        foreach (var layer in Layers)
        {
            float[] numbers =
            [
                layer.Mean, layer.Variance, layer.GradientRms, layer.WeightGradientNorm, layer.UpdateRatio, layer.FlatSlopes,
                layer.DeadUnits, layer.Alpha,
            ];
            foreach (var number in numbers)
            {
                BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(at),
                    float.IsNaN(number) ? DoesNotApply : float.IsInfinity(number) ? Infinite : number);
                at += sizeof(float);
            }
        }
        return bytes;
    }

    /// <summary>Reads what <see cref="Pack"/> wrote.</summary>
    public static GradientHealth Unpack(ReadOnlySpan<byte> bytes, Ailments ailments)
    {
        var layers = ImmutableArray.CreateBuilder<LayerHealth>();
        for (; bytes.Length > 0; bytes = bytes[(NumbersPerLayer * sizeof(float))..])
            layers.Add(new(At(bytes, 0), At(bytes, 1), At(bytes, 2), At(bytes, 3), At(bytes, 4), At(bytes, 5), At(bytes, 6), At(bytes, 7)));
        return new(layers.ToImmutable(), ailments);

        static float At(ReadOnlySpan<byte> bytes, int index) =>
            BinaryPrimitives.ReadSingleLittleEndian(bytes[(index * sizeof(float))..]) switch
            {
                DoesNotApply => float.NaN,
                Infinite => float.PositiveInfinity,
                var number => number,
            };
    }

    private static bool HasNoSlopeBelowZero(string activation, Configuration configuration) =>
        activation == "relu" || (activation == "leaky-relu" && configuration[Parameters.LeakAlpha] == 0);
}
