using System.Collections.Concurrent;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Stacking;
using TorchSharp;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Networks;

/// <summary>Computes z = W x + b for each trial separately.</summary>
/// <param name="weight">[K, out, in]</param>
/// <param name="bias">[K, out, 1]</param>
/// <param name="shared">Whether all trials see the same x, so that memory holds it only once.</param>
internal sealed class Dense(Learned weight, Learned bias, bool shared)
{
    /// <summary>The size of a product that stays in a core's L2 cache and is not written to memory in between.</summary>
    private const int BlockBytes = 1 << 18;

    private static readonly ConcurrentDictionary<(long, long, long, long, ScalarType), bool> SameBits = new();

    public Learned Weight => weight;

    public IEnumerable<Learned> Learned => [weight, bias];

    /// <summary>
    /// On a GPU, one product with the shared input covers the weights of all trials. On a processor, K would then change the rounding,
    /// and a trial's bits would depend on its cohort.
    /// </summary>
    private bool IsOneProduct => shared && weight.Value.device.type is not DeviceType.CPU;

    /// <param name="x">[K, in, columns]</param>
    /// <param name="z">[K, out, columns]</param>
    public void Forward(Tensor x, Tensor z) => Kernels.Run(IsOneProduct ? "dense_shared" : "dense", z, weight.Value, x, bias.Value);

    /// <summary>Computes the loss gradient at W and b.</summary>
    /// <param name="gradient">The loss gradient at z, [K, out, columns].</param>
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

    /// <summary>Computes the loss gradient at x.</summary>
    public void Backward(Tensor gradient, Tensor input) => Kernels.Run("dense_backward", gradient, weight.Value, input);

    /// <summary>The largest divisor of the number of units whose rows of weights fit into a block.</summary>
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

    /// <summary>Whether a product in blocks of rows gives the same bits as the whole product. Tested once for these sizes.</summary>
    private bool IsSameInBlocks(long units, long inputs, long columns, long rows) =>
        SameBits.GetOrAdd((units, inputs, columns, rows, weight.Value.dtype), _ =>
        {
            using var scope = NewDisposeScope();
            var (gradient, transposed) = (Sample(2, units, columns), Sample(1, columns, inputs));
            var whole = bmm(gradient, transposed.expand(2, -1, -1));
            var blocks = bmm(gradient.view(-1, rows, columns), transposed.expand(2 * units / rows, -1, -1)).view(2, units, inputs);
            return whole.eq(blocks).all().item<bool>();
        });

    /// <summary>Deterministic numbers without a pattern.</summary>
    private Tensor Sample(params long[] shape) =>
        arange(shape[0] * shape[1] * shape[2], ScalarType.Float64, weight.Value.device).mul(0.7548776662).frac().sub(0.5).to(weight.Value.dtype).view(shape);
}
