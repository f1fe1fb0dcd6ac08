using DeepTrain.Cluster.Training.Native;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Activations;

/// <summary>f(z) = tanh(z); f' = 1 - f^2.</summary>
internal sealed class HyperbolicTangent : Activation
{
    public override void Forward(Tensor z, Mode mode) => z.tanh_();

    public override void Backward(Tensor gradient, Tensor output) => Kernels.Run("tanh_backward", gradient, output);
}
