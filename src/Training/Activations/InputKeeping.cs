using DeepTrain.Cluster.Training.Native;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Activations;

/// <summary>A smooth activation whose slope must be computed from its input, because its output does not determine it.</summary>
/// <remarks>
/// gelu: z Phi(z), exact; Hendrycks and Gimpel 2016. silu: z / (1 + exp(-z)); Elfwing et al. 2018. mish: z tanh(ln(1 + exp z));
/// Misra 2020. softplus: ln(1 + exp z); Dugas et al. 2001. The kernels are called <c>name</c> and <c>name_backward</c>.
/// </remarks>
internal sealed class InputKeeping(string name, ActivationSite site) : Activation
{
    private readonly Tensor _input = site.On.Zeros(site.Trials.Count, site.Units, site.Columns);
    private readonly string _backward = $"{name}_backward";

    public override void Forward(Tensor z, Mode mode)
    {
        if (mode is not Mode.Evaluation)
            _input.copy_(z);
        Kernels.Run(name, z);
    }

    public override void Backward(Tensor gradient, Tensor output) => Kernels.Run(_backward, gradient, _input);
}
