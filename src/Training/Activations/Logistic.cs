using TorchSharp;

namespace DeepTrain.Cluster.Training;

/// <summary>f(z) = 1 / (1 + exp(-z)); f' = f (1 - f).</summary>
internal sealed class Logistic : Activation
{
    public override void Forward(torch.Tensor z, bool training) => z.sigmoid_();

    public override void Backward(torch.Tensor gradient, torch.Tensor output) => Kernels.Run("logistic_backward", gradient, output);
}
