using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Stacking;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Networks;

/// <summary>Buffers for one mini-batch, which all trials share or of which each trial has its own.</summary>
internal sealed class Batch
{
    private readonly Dataset _data;
    private readonly Tensor _x; // [G, D, B]
    private readonly Tensor _transposed; // [G, B, D]
    private readonly Tensor _labels; // [G, 1, B]
    private readonly Tensor _targets; // [G, B, C]

    /// <param name="groups">1 where all trials see the same rows; otherwise the number of trials.</param>
    public Batch(Dataset data, int trials, int groups, int rows)
    {
        _data = data;
        var on = Placement.Of(data.Features);
        _x = on.Zeros(groups, data.Info.Features, rows);
        _transposed = on.Zeros(groups, rows, data.Info.Features);
        _labels = zeros(groups, 1, rows, ScalarType.Int64, on.Device);
        _targets = on.Zeros(groups, rows, data.Info.Classes);
        X = _x.expand(trials, -1, -1);
        Transposed = _transposed.expand(trials, -1, -1);
        Labels = _labels.expand(trials, -1, -1);
        Targets = _targets.transpose(1, 2).expand(trials, -1, -1);
    }

    /// <summary>[G, D, B]</summary>
    public Tensor Rows => _x;

    /// <summary>[K, D, B]</summary>
    public Tensor X { get; }

    /// <summary>[K, B, D]</summary>
    public Tensor Transposed { get; }

    /// <summary>[K, 1, B]</summary>
    public Tensor Labels { get; }

    /// <summary>[K, C, B]</summary>
    public Tensor Targets { get; }

    /// <param name="rows">[batches, G*B], row numbers.</param>
    public void Fill(Tensor rows, int batch) => Kernels.Run("gather",
        _data.Features, _data.LabelTensor, _data.Targets, rows, batch, _transposed, _x, _labels, _targets);
}
