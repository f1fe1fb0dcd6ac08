using DeepTrain.Cluster.Training.Native;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Activations;

/// <summary>f(z) = 1 / (1 + exp(-z)); f' = f (1 - f).</summary>
internal sealed class Logistic : Activation
{
    public override void Forward(Tensor z, Mode mode) => z.sigmoid_();

    public override void Backward(Tensor gradient, Tensor output) => Kernels.Run("logistic_backward", gradient, output);
}
