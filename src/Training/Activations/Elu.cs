using TorchSharp;

namespace DeepTrain.Cluster.Training;

/// <summary>f(z) = z above 0, else alpha (exp(z) - 1); f' = 1 above 0, else f + alpha. Clevert et al. 2016.</summary>
internal sealed class Elu(double alpha) : Activation
{
    private readonly Scalar _alpha = alpha;

    public override void Forward(torch.Tensor z, bool training) => Kernels.Run("elu", z, _alpha);

    public override void Backward(torch.Tensor gradient, torch.Tensor output) => Kernels.Run("elu_backward", gradient, output, _alpha);
}
