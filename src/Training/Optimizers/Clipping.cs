using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Stacking;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Optimizers;

/// <summary>Scales down each trial's gradient, over all learned tensors, to its maximum norm. Pascanu et al. 2013, algorithm 1.</summary>
internal sealed class Clipping
{
    private readonly Tensor[] _gradients;
    private readonly Tensor _most; // [K, 1, 1]
    private readonly Tensor _norm; // [K, 1, 1]
    private readonly Tensor[] _norms;
    private readonly Tensor _factor; // [K, 1, 1]
    private readonly Tensor[] _factors;

    public Clipping(ImmutableArray<Learned> learned, ImmutableArray<Configuration> trials)
    {
        _gradients = [.. learned.Select(tensor => tensor.Gradient)];
        _most = Placement.Of(_gradients[0]).Column(Array.ConvertAll([.. trials], trial => trial[Parameters.GradientClip]));
        _norm = zeros_like(_most);
        _norms = [.. learned.Select(tensor => tensor.Trials.Of(_norm))];
        _factor = zeros_like(_most);
        _factors = [.. learned.Select(tensor => tensor.Trials.Of(_factor))];
    }

    public void Clip() => Kernels.Run("clip", _gradients, _norm, _norms, _most, _factor, _factors);
}
