using DeepTrain.Cluster.Training.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Activations;

/// <summary>f(z) = s z above 0, else s alpha (exp(z) - 1); f' = s above 0, else f + s alpha. Clevert et al. 2016.</summary>
internal sealed class Elu(double alpha, double scale) : Activation
{
    private readonly Scalar _alpha = alpha;
    private readonly Scalar _scale = scale;

    public override void Forward(Tensor z, Mode mode) => Kernels.Run("elu", z, _alpha, _scale);

    public override void Backward(Tensor gradient, Tensor output) => Kernels.Run("elu_backward", gradient, output, _alpha, _scale);
}

/// <summary>The constants that make SELU keep mean 0 and variance 1. Klambauer et al. 2017, eq. 14.</summary>
internal static class Selu
{
    public const double Alpha = 1.6732632423543772;
    public const double Scale = 1.0507009873554805;

    /// <summary>The limit for very negative inputs.</summary>
    public const double Limit = -Alpha * Scale;
}
