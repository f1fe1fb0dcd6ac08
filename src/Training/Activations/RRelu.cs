using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Randomness;
using TorchSharp;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Activations;

/// <summary>
/// f(z) = z above 0, else a z. In training, a is drawn from (1/8, 1/3) for each unit and row; otherwise it is the mean. Xu et al. 2015.
/// </summary>
internal sealed class RRelu(ActivationSite site) : Activation
{
    public const double Lower = 1.0 / 8;
    public const double Upper = 1.0 / 3;

    private static readonly Scalar LowerScalar = Lower;
    private static readonly Scalar Range = Upper - Lower;
    private static readonly Scalar Mean = (Lower + Upper) / 2;

    private readonly Tensor _draws = site.Draws.Of(Purpose.Slopes, site.Layer, site.Trials, site.Units, site.Columns);
    private readonly Tensor _slopes = site.On.Zeros(site.Trials.Count, site.Units, site.Columns);

    public override void Forward(Tensor z, Mode mode)
    {
        if (mode is Mode.Training)
            Kernels.Run("rrelu", z, _draws, LowerScalar, Range, _slopes);
        else if (mode is Mode.Probing)
            Kernels.Run("rrelu_mean", z, Mean, _slopes);
        else
            z.leaky_relu_(Mean);
    }

    public override void Backward(Tensor gradient, Tensor output) => gradient.mul_(_slopes);
}
