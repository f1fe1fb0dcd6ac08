using DeepTrain.Cluster.Training.Native;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Activations;

/// <summary>f(z) = z above 0, else a z; the slope a is learned, one per trial and layer. He et al. 2015.</summary>
internal sealed class PRelu(ActivationSite site) : Activation
{
    private readonly Tensor _alpha = site.Trials.Of(site.Alpha!.Value);
    private readonly Tensor _alphaGradient = site.Trials.Of(site.Alpha.Gradient);

    // The slope may become negative. The output then no longer determines the sign of the input.
    private readonly Tensor _input = site.On.Zeros(site.Trials.Count, site.Units, site.Columns);

    public override void Forward(Tensor z, Mode mode)
    {
        if (mode is not Mode.Evaluation)
            _input.copy_(z);
        Kernels.Run("prelu", z, _alpha);
    }

    public override void Backward(Tensor gradient, Tensor output) =>
        Kernels.Run("prelu_backward", gradient, _input, _alpha, _alphaGradient);
}
