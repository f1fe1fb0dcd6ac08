using TorchSharp;

namespace DeepTrain.Cluster.Training;

/// <summary>f(z) = tanh(z); f' = 1 - f^2.</summary>
internal sealed class HyperbolicTangent : Activation
{
    public override void Forward(torch.Tensor z, bool training) => z.tanh_();

    public override void Backward(torch.Tensor gradient, torch.Tensor output) => Kernels.Run("tanh_backward", gradient, output);
}
