using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training;

/// <summary>z = W x + b for each trial by itself.</summary>
/// <param name="weight">[K, out, in]</param>
/// <param name="bias">[K, out, 1]</param>
internal sealed class Dense(Learned weight, Learned bias)
{
    public IEnumerable<Learned> Learned => [weight, bias];

    /// <param name="x">[K, in, rows]</param>
    /// <param name="z">[K, out, rows]</param>
    public void Forward(Tensor x, Tensor z) => Kernels.Run("dense", z, weight.Value, x, bias.Value);

    /// <summary>The loss gradient at W and b.</summary>
    /// <param name="gradient">At z; [K, out, B]</param>
    /// <param name="transposed">x as [K, B, in].</param>
    public void Gradient(Tensor gradient, Tensor transposed) =>
        Kernels.Run("dense_gradient", gradient, transposed, weight.Gradient, bias.Gradient);

    /// <summary>The loss gradient at x.</summary>
    public void Backward(Tensor gradient, Tensor input) => Kernels.Run("dense_backward", gradient, weight.Value, input);
}
