using System.Collections.Concurrent;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Stacking;
using TorchSharp;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Networks;

/// <summary>z = W x + b for each trial by itself.</summary>
/// <param name="weight">[K, out, in]</param>
/// <param name="bias">[K, out, 1]</param>
/// <param name="shared">Whether all trials see the same x, so that it lies in memory once.</param>
internal sealed class Dense(Learned weight, Learned bias, bool shared)
{
    /// <summary>What a core's second cache holds beside the rest: a product's result of this size is not written to memory in between.</summary>
    private const int BlockBytes = 1 << 18;

    private static readonly ConcurrentDictionary<(long, long, long, long, ScalarType), bool> SameBits = new();

    public Learned Weight => weight;

    public IEnumerable<Learned> Learned => [weight, bias];

    /// <summary>
    /// On a GPU the rows of all trials' weights make one product with what they all see. On a processor it must not: there K would enter
    /// the arithmetic, and a trial's bits be others in another cohort.
    /// </summary>
    private bool IsOneProduct => shared && weight.Value.device.type is not DeviceType.CPU;

    /// <param name="x">[K, in, columns]</param>
    /// <param name="z">[K, out, columns]</param>
    public void Forward(Tensor x, Tensor z) => Kernels.Run(IsOneProduct ? "dense_shared" : "dense", z, weight.Value, x, bias.Value);

    /// <summary>The loss gradient at W and b.</summary>
    /// <param name="gradient">At z; [K, out, columns]</param>
    /// <param name="transposed">x as [K, columns, in].</param>
    public void Gradient(Tensor gradient, Tensor transposed)
    {
        var (trials, units, inputs) = (weight.Value.shape[0], weight.Value.shape[1], weight.Value.shape[2]);
        var rows = IsOneProduct ? trials * units : shared ? RowsOfABlock(units, inputs) : units;
        if (rows != units && (IsOneProduct || IsSameInBlocks(units, inputs, gradient.shape[2], rows)))
            Kernels.Run("dense_gradient_shared", gradient, transposed, weight.Gradient, bias.Gradient, (int)(trials * units / rows));
        else
            Kernels.Run("dense_gradient", gradient, transposed, weight.Gradient, bias.Gradient);
    }

    /// <summary>The loss gradient at x.</summary>
    public void Backward(Tensor gradient, Tensor input) => Kernels.Run("dense_backward", gradient, weight.Value, input);

    /// <summary>The largest part of the units whose rows of weights fit a block.</summary>
    private static long RowsOfABlock(long units, long inputs)
    {
        var parts = 1L;
        while (units / parts * inputs * sizeof(float) > BlockBytes && parts < units)
        {
            do
                parts++;
            while (units % parts != 0);
        }
        return units / parts;
    }

    /// <summary>Whether a product in blocks of rows has the bits of the whole; tried once for these sizes.</summary>
    private bool IsSameInBlocks(long units, long inputs, long columns, long rows) =>
        SameBits.GetOrAdd((units, inputs, columns, rows, weight.Value.dtype), _ =>
        {
            using var scope = NewDisposeScope();
            var (gradient, transposed) = (Sample(2, units, columns), Sample(1, columns, inputs));
            var whole = bmm(gradient, transposed.expand(2, -1, -1));
            var blocks = bmm(gradient.view(-1, rows, columns), transposed.expand(2 * units / rows, -1, -1)).view(2, units, inputs);
            return whole.eq(blocks).all().item<bool>();
        });

    /// <summary>Numbers without a pattern, the same each time.</summary>
    private Tensor Sample(params long[] shape) =>
        arange(shape[0] * shape[1] * shape[2], ScalarType.Float64, weight.Value.device).mul(0.7548776662).frac().sub(0.5).to(weight.Value.dtype).view(shape);
}
