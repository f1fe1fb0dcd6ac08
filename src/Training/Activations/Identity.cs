using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Activations;

/// <summary>f(z) = z: a linear network, for comparison.</summary>
internal sealed class Identity : Activation
{
    public override void Forward(Tensor z, Mode mode)
    {
    }

    public override void Backward(Tensor gradient, Tensor output)
    {
    }
}
