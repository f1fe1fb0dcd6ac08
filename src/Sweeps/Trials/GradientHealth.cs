using System.Buffers.Binary;
using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;

namespace DeepTrain.Cluster.Sweeps.Trials;

/// <summary>What can be wrong with a network's gradients, in the order in which the verdict names them.</summary>
[Flags]
public enum Ailments
{
    None = 0,

    /// <summary>A loss or parameter left the finite numbers.</summary>
    Diverged = 1,

    /// <summary>The gradient's ratio of first to last hidden layer is above 1000, or not finite.</summary>
    Exploding = 2,

    /// <summary>That ratio is below 0.001, or the last hidden layer has no gradient.</summary>
    Vanishing = 4,

    /// <summary>In a hidden layer of logistic or tanh units a quarter of the slopes or more are below 0.01.</summary>
    Saturated = 8,

    /// <summary>Half of a hidden layer's units or more are 0 over all validation rows; of units whose slope there is 0.</summary>
    Dying = 16,
}

/// <summary>What one layer shows on the replicate's fixed mini-batch. NaN where a number does not apply.</summary>
/// <param name="Mean">Of the pre-activations, over units and rows.</param>
/// <param name="Variance">Of the pre-activations, over units and rows.</param>
/// <param name="GradientRms">The root mean square, over units and rows, of the loss gradient at the pre-activations.</param>
/// <param name="WeightGradientNorm">The Euclidean norm of the mini-batch loss's gradient at the weights.</param>
/// <param name="UpdateRatio">The norm of the weights' last update over their norm before it; NaN before the first.</param>
/// <param name="FlatSlopes">The share of (unit, row) whose activation has |f'| below 0.01; of hidden layers.</param>
/// <param name="DeadUnits">The share of units that are 0 for every validation row; of hidden layers whose units can die.</param>
/// <param name="Alpha">The learned slope of prelu.</param>
public readonly record struct LayerHealth(
    float Mean, float Variance, float GradientRms, float WeightGradientNorm, float UpdateRatio, float FlatSlopes, float DeadUnits,
    float Alpha);

/// <summary>A trial's gradients at one moment, with batch norm in training mode.</summary>
/// <param name="Layers">From the first hidden layer to the output.</param>
/// <param name="Ailments">All that is wrong.</param>
public sealed record GradientHealth(ImmutableArray<LayerHealth> Layers, Ailments Ailments)
{
    private const double MostRatio = 1e3;
    private const double LeastRatio = 1e-3;
    private const float SaturatedShare = 0.25f;
    private const float DyingShare = 0.5f;
    private const int NumbersPerLayer = 8;

    // Stores refuse what is not a number, or sort it anywhere: these stand for it.
    private const float DoesNotApply = float.MinValue;
    private const float Infinite = float.MaxValue;

    /// <summary>The gradient's root mean square at the first hidden layer over that at the last; in theory 1.</summary>
    public double Ratio => (double)Layers[0].GradientRms / Layers[^2].GradientRms;

    /// <summary>Judges layers as the ailments say.</summary>
    /// <param name="diverged">Whether the trial has left the finite numbers.</param>
    public static GradientHealth Of(ImmutableArray<LayerHealth> layers, Configuration configuration, bool diverged)
    {
        var health = new GradientHealth(layers, Ailments.None);
        var hidden = layers[..^1];
        var activation = configuration[Parameters.Activation];
        var ailments = diverged ? Ailments.Diverged : Ailments.None;
        // A gradient of 0 at the last layer leaves a ratio that is no number, which is vanishing all the same.
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

    /// <summary>All layers' numbers, float32 in little-endian order: finite, the extremes standing for infinite and for not applying.</summary>
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
