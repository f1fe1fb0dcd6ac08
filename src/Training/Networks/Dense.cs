using System.Collections.Concurrent;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training;

/// <summary>z = W x + b for each trial by itself.</summary>
/// <param name="weight">[K, out, in]</param>
/// <param name="bias">[K, out, 1]</param>
/// <param name="shared">Whether all trials see the same x: then one product serves all, where that gives the same bits.</param>
internal sealed class Dense(Learned weight, Learned bias, bool shared)
{
    private static readonly ConcurrentDictionary<(long, long, long, long, ScalarType), bool> SameBits = new();

    public Learned Weight => weight;

    public IEnumerable<Learned> Learned => [weight, bias];

    /// <param name="x">[K, in, columns]</param>
    /// <param name="z">[K, out, columns]</param>
    public void Forward(Tensor x, Tensor z) =>
        Kernels.Run(shared && IsOneProduct(x.size(2)) ? "dense_shared" : "dense", z, weight.Value, x, bias.Value);

    /// <summary>The loss gradient at W and b.</summary>
    /// <param name="gradient">At z; [K, out, columns]</param>
    /// <param name="transposed">x as [K, columns, in].</param>
    public void Gradient(Tensor gradient, Tensor transposed) => Kernels.Run(
        shared && IsOneProduct(gradient.size(2)) ? "dense_gradient_shared" : "dense_gradient",
        gradient, transposed, weight.Gradient, bias.Gradient);

    /// <summary>The loss gradient at x.</summary>
    public void Backward(Tensor gradient, Tensor input) => Kernels.Run("dense_backward", gradient, weight.Value, input);

    /// <summary>Whether one product over all trials gives each the bits of its own; tried once for these sizes.</summary>
    private bool IsOneProduct(long columns)
    {
        var shape = weight.Value.shape;
        return SameBits.GetOrAdd((shape[0], shape[1], shape[2], columns, weight.Value.dtype), key =>
        {
            using var scope = NewDisposeScope();
            var type = weight.Value.dtype;
            var (w, x) = (Sample([shape[0], shape[1], shape[2]], type), Sample([1, shape[2], columns], type));
            var dz = Sample([shape[0], shape[1], columns], type);
            var xt = x.transpose(1, 2).contiguous();
            var forward = matmul(w.view(-1, shape[2]), x[0]).view(shape[0], shape[1], columns);
            var backward = matmul(dz.view(-1, columns), xt[0]).view(shape[0], shape[1], shape[2]);
            return Same(forward, bmm(w, x.expand(shape[0], -1, -1))) && Same(backward, bmm(dz, xt.expand(shape[0], -1, -1)))
                && Same(forward[-1], matmul(w[-1], x[0])) && Same(backward[-1], matmul(dz[-1], xt[0]));
        });

        static bool Same(Tensor one, Tensor other) => one.eq(other).all().item<bool>();
    }

    /// <summary>Numbers without a pattern, the same each time and on each thread.</summary>
    private static Tensor Sample(long[] shape, ScalarType type) =>
        arange(shape.Aggregate(1L, (product, size) => product * size), ScalarType.Float64).mul(0.7548776662).frac().sub(0.5)
            .to(type).reshape(shape);
}
