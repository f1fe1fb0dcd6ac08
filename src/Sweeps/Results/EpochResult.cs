using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Sweeps.Results;

/// <summary>An epoch of a trial as it was accepted; null where a number was not finite, or nobody looked.</summary>
/// <param name="Epoch">Counted from 1; 0 is the state before training.</param>
/// <param name="Fence">The fence under which it was trained.</param>
public sealed record EpochResult(
    int Epoch, long Fence, double? TrainLoss, double? ValidationLoss, double? ValidationAccuracy, double Seconds, GradientHealth? Health);
