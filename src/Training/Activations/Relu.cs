using DeepTrain.Cluster.Training.Native;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Activations;

/// <summary>f(z) = max(0, z); f' = 1 above 0, else 0.</summary>
internal sealed class Relu : Activation
{
    public override bool CanDie => true;

    public override void Forward(Tensor z, Mode mode) => z.relu_();

    public override void Backward(Tensor gradient, Tensor output) => Kernels.Run("relu_backward", gradient, output);
}
