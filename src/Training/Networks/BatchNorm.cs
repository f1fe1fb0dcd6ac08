using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Training.Activations;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Stacking;
using TorchSharp;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Networks;

/// <summary>Normalises each unit over the mini-batch, for the trials that have batch norm. Ioffe and Szegedy 2015.</summary>
/// <remarks>
/// The units of all its trials are separate channels. The forward pass consists of basic operators, because libtorch's own
/// kernel sums each channel serially, which is slower for the few rows of a mini-batch.
/// </remarks>
internal sealed class BatchNorm
{
    private static readonly Scalar Unmoved = 0.0;

    private readonly Scalar _momentum;
    private readonly Scalar _epsilon;
    private readonly Learned _scale;
    private readonly Learned _shift;
    private readonly Stacked _mean;
    private readonly Stacked _variance;

    // Views and buffers that hold the units of all trials, so that one operator handles them together.
    private readonly Tensor _centred; // [1, n*H, columns]: the input less its mean
    private readonly Tensor _batchMean; // [1, n*H, 1]
    private readonly Tensor _noMean; // [1, n*H, 1]: what is left of the mean
    private readonly Tensor _batchInverse; // [1, n*H, 1]: 1 / sqrt(variance + epsilon)
    private readonly Tensor[] _channels; // [1, n*H, 1] each

    /// <param name="configuration">The configuration of any of the trials. All have the same momentum and epsilon.</param>
    public BatchNorm(int layer, Segment trials, Configuration configuration, int units, int columns, Placement on)
    {
        Trials = trials;
        _momentum = configuration[Parameters.BatchNormMomentum];
        _epsilon = configuration[Parameters.BatchNormEpsilon];
        _scale = new($"{layer}.scale", trials, on.Ones(trials.Count, units, 1), Decays: false);
        _shift = new($"{layer}.shift", trials, on.Zeros(trials.Count, units, 1), Decays: false);
        _mean = new($"{layer}.mean", trials, on.Zeros(trials.Count, units, 1));
        _variance = new($"{layer}.variance", trials, on.Ones(trials.Count, units, 1));
        var channels = trials.Count * units;
        _centred = on.Zeros(1, channels, columns);
        _batchMean = on.Zeros(1, channels, 1);
        _noMean = on.Zeros(1, channels, 1);
        _batchInverse = on.Zeros(1, channels, 1);
        _channels = [.. new[] { _scale.Value, _shift.Value, _mean.Value, _variance.Value, _scale.Gradient, _shift.Gradient }
            .Select(tensor => tensor.view(1, channels, 1))];
    }

    public Segment Trials { get; }

    public IEnumerable<Learned> Learned => [_scale, _shift];

    public IEnumerable<Stacked> Statistics => [_mean, _variance];

    /// <summary>The units of its trials in a layer's buffer [K, H, columns] as channels, [1, n*H, columns].</summary>
    public Tensor View(Tensor buffer)
    {
        using var own = Trials.Of(buffer);
        return own.view(1, own.shape[0] * own.shape[1], own.shape[2]);
    }

    /// <summary>Normalises in place. Training uses the mini-batch's statistics and updates the running ones for evaluation.</summary>
    public void Forward(Tensor z, Mode mode)
    {
        if (mode is Mode.Evaluation)
            Kernels.Run("batch_norm_evaluate", z, _channels[0], _channels[1], _channels[2], _channels[3], _epsilon);
        else
            Kernels.Run("batch_norm", z, _centred, _channels[0], _channels[1], _channels[2], _channels[3],
                mode is Mode.Training ? _momentum : Unmoved, _epsilon, _batchMean, _batchInverse);
    }

    /// <summary>Replaces the loss gradient at the output of a pass over a mini-batch by that at its input, in place.</summary>
    public void Backward(Tensor gradient) => Kernels.Run("batch_norm_backward",
        gradient, _centred, _channels[0], _noMean, _batchInverse, _epsilon, _channels[4], _channels[5]);
}
