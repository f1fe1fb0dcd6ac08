using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Health;

/// <summary>Measures a network's gradients, always on the same mini-batch of each replicate.</summary>
internal sealed class HealthProbe
{
    /// <summary>A smaller slope passes on almost no gradient.</summary>
    private static readonly Scalar FlatSlope = 0.01;

    private readonly FusedNetwork _network;
    private readonly ImmutableArray<Configuration> _trials;
    private readonly Batch _batch;
    private readonly Tensor[] _weightsBefore; // before the epoch's last update
    private readonly Tensor[] _updateRatios; // [K] each; NaN before the first update
    private readonly Tensor _numbers; // [layers, fields of LayerHealth, K], float32

    public HealthProbe(FusedNetwork network, ImmutableArray<Configuration> trials, Batch batch)
    {
        _network = network;
        _trials = trials;
        _batch = batch;
        var device = batch.X.device;
        _weightsBefore = [.. network.Weights.Select(weight => zeros_like(weight.Value))];
        _updateRatios = [.. network.Weights.Select(_ => full([trials.Length], float.NaN, device: device))];
        _numbers = zeros(network.Shapes.Length, 8, trials.Length, device: device);
    }

    /// <summary>Must be called before the last update of an epoch.</summary>
    public void BeforeUpdate()
    {
        foreach (var (before, weight) in _weightsBefore.Zip(_network.Weights))
            before.copy_(weight.Value);
    }

    /// <summary>Must be called after that update. The next measurement reports its size relative to the weights.</summary>
    public void AfterUpdate()
    {
        foreach (var (index, weight) in _network.Weights.Index())
            Kernels.Run("update_ratio", weight.Value, _weightsBefore[index], _updateRatios[index]);
    }

    /// <summary>Copies the measurements of this probe's trials from another probe.</summary>
    /// <param name="kept">For each trial of this probe, its index in the other.</param>
    public void Take(HealthProbe other, ReadOnlySpan<int> kept)
    {
        using var places = tensor(Array.ConvertAll(kept.ToArray(), place => (long)place), device: _numbers.device);
        foreach (var (own, others) in _updateRatios.Zip(other._updateRatios))
        {
            using var selected = others.index_select(0, places);
            own.copy_(selected);
        }
    }

    /// <summary>Measures the current gradients, and the units that output 0 for all rows noted since the last measurement.</summary>
    /// <param name="diverged">Whether a loss or parameter of each trial became infinite or NaN.</param>
    public GradientHealth[] Look(bool[] diverged)
    {
        using var scope = NewDisposeScope();
        _numbers.fill_(float.NaN);
        _network.Probe(
            _batch,
            (layer, z) => Kernels.Run("moments", z, layer.Units, At(layer, 0), At(layer, 1)),
            (layer, slopes) => Kernels.Run("share_below", slopes, layer.Units, FlatSlope, At(layer, 5)),
            (layer, gradient) => Kernels.Run("root_mean_square", gradient, layer.Units, At(layer, 2)));
        _network.LargestOutputs((layer, largest) => Kernels.Run("share_zero", largest, layer.Units, At(layer, 6)));
        foreach (var (index, weight) in _network.Weights.Index())
        {
            Kernels.Run("norm", weight.Gradient, At(_network.Shapes[index], 3));
            At(_network.Shapes[index], 4).copy_(_updateRatios[index]);
        }
        foreach (var (index, alpha) in _network.Alphas.Index())
            At(_network.Shapes[index], 7).copy_(alpha.Value.view(-1));

        var numbers = _numbers.cpu().data<float>().ToArray();
        return [.. _trials.Select((trial, place) => GradientHealth.Of(
            [.. _network.Shapes.Select(layer => Of(layer, place))], trial, diverged[place]))];

        Tensor At(LayerShape layer, int field) => _numbers[layer.Number - 1][field];

        LayerHealth Of(LayerShape layer, int place)
        {
            return new(Number(0), Number(1), Number(2), Number(3), Number(4), Number(5), Number(6), HasAlpha() ? Number(7) : float.NaN);

            bool HasAlpha() => layer.Number <= _network.Alphas.Length && _network.IsOf(_network.Alphas[layer.Number - 1], place);

            float Number(int field) => numbers[((layer.Number - 1) * 8 + field) * _trials.Length + place];
        }
    }
}
