using DeepTrain.Cluster.Sweeps;
using TorchSharp;

namespace DeepTrain.Cluster.Training;

/// <summary>f(z) = z above 0, else a z; the slope a is learned, one per trial and layer. He et al. 2015.</summary>
internal sealed class PRelu(ActivationSite site) : Activation
{
    private readonly Learned _alpha = new(
        $"{site.Layer}.alpha.{site.Configurations[0][Parameters.BatchNorm]}",
        site.Trials,
        torch.tensor(Array.ConvertAll([.. site.Configurations], configuration => (float)configuration[Parameters.PreluAlpha]))
            .reshape(site.Trials.Count, 1, 1));

    // The slope may turn negative, and then the output no longer tells the input's sign.
    private readonly torch.Tensor _input = torch.zeros(site.Trials.Count, site.Units, site.Rows);

    public override IEnumerable<Learned> Learned => [_alpha];

    public override void Forward(torch.Tensor z, bool training)
    {
        if (training)
            _input.copy_(z);
        Kernels.Run("prelu", z, _alpha.Value);
    }

    public override void Backward(torch.Tensor gradient, torch.Tensor output) =>
        Kernels.Run("prelu_backward", gradient, _input, _alpha.Value, _alpha.Gradient);
}
