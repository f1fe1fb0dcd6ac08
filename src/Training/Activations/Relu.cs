using TorchSharp;

namespace DeepTrain.Cluster.Training;

/// <summary>f(z) = max(0, z); f' = 1 above 0, else 0.</summary>
internal sealed class Relu : Activation
{
    public override void Forward(torch.Tensor z, bool training) => z.relu_();

    public override void Backward(torch.Tensor gradient, torch.Tensor output) => Kernels.Run("relu_backward", gradient, output);
}
