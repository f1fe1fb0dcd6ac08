using DeepTrain.Cluster.Training.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Activations;

/// <summary>f(z) = z above 0, else alpha z; f' = 1 above 0, else alpha. Maas et al. 2013.</summary>
internal sealed class LeakyRelu(double alpha) : Activation
{
    private readonly Scalar _alpha = alpha;

    public override bool CanDie => alpha == 0;

    public override void Forward(Tensor z, Mode mode) => z.leaky_relu_(_alpha);

    public override void Backward(Tensor gradient, Tensor output) =>
        Kernels.Run("leaky_relu_backward", gradient, output, _alpha);
}
