using TorchSharp;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training;

/// <summary>Normalises each unit over the mini-batch, for those trials that ask for it. Ioffe and Szegedy 2015.</summary>
/// <remarks>
/// The units of all its trials are channels, each treated by itself. The forward pass is written out in operators that round exactly:
/// libtorch's own sums each channel number by number, which takes longer for the few rows of a mini-batch.
/// </remarks>
internal sealed class BatchNorm
{
    private static readonly Scalar Momentum = 0.1;
    private static readonly Scalar Epsilon = 1e-5;

    private readonly Segment _trials;
    private readonly Learned _scale;
    private readonly Learned _shift;
    private readonly Stacked _mean;
    private readonly Stacked _variance;

    // All trials' units in a row, as views and buffers of one operator.
    private readonly Tensor _centred; // [1, n*H, B]: the input less its mean
    private readonly Tensor _batchMean; // [1, n*H, 1]
    private readonly Tensor _noMean; // [1, n*H, 1]: what is left of the mean
    private readonly Tensor _batchInverse; // [1, n*H, 1]: 1 / sqrt(variance + epsilon)
    private readonly Tensor[] _channels; // [1, n*H, 1] each

    public BatchNorm(int layer, Segment trials, int units, int rows)
    {
        _trials = trials;
        _scale = new($"{layer}.scale", trials, ones(trials.Count, units, 1));
        _shift = new($"{layer}.shift", trials, zeros(trials.Count, units, 1));
        _mean = new($"{layer}.mean", trials, zeros(trials.Count, units, 1));
        _variance = new($"{layer}.variance", trials, ones(trials.Count, units, 1));
        var channels = trials.Count * units;
        _centred = zeros(1, channels, rows);
        _batchMean = zeros(1, channels, 1);
        _noMean = zeros(1, channels, 1);
        _batchInverse = zeros(1, channels, 1);
        _channels = [.. new[] { _scale.Value, _shift.Value, _mean.Value, _variance.Value, _scale.Gradient, _shift.Gradient }
            .Select(tensor => tensor.view(1, channels, 1))];
    }

    public IEnumerable<Learned> Learned => [_scale, _shift];

    public IEnumerable<Stacked> Statistics => [_mean, _variance];

    /// <summary>Its trials' units of a layer's buffer [K, H, rows] as channels, [1, n*H, rows].</summary>
    public Tensor View(Tensor buffer)
    {
        using var own = _trials.Of(buffer);
        return own.view(1, own.shape[0] * own.shape[1], own.shape[2]);
    }

    /// <summary>Normalises in place by the mini-batch and moves the running statistics.</summary>
    public void Train(Tensor z) => Kernels.Run("batch_norm",
        z, _centred, _channels[0], _channels[1], _channels[2], _channels[3], Momentum, Epsilon, _batchMean, _batchInverse);

    /// <summary>Normalises in place by the running statistics.</summary>
    public void Evaluate(Tensor z) =>
        Kernels.Run("batch_norm_evaluate", z, _channels[0], _channels[1], _channels[2], _channels[3], Epsilon);

    /// <summary>Turns the loss gradient at the output of <see cref="Train"/> into that at its input, in place.</summary>
    public void Backward(Tensor gradient) => Kernels.Run("batch_norm_backward",
        gradient, _centred, _channels[0], _noMean, _batchInverse, Epsilon, _channels[4], _channels[5]);
}
