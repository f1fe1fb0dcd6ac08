using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Sweeps.Results;

/// <summary>The accepted measurements of one epoch of a trial; null where a number was not finite or was not measured.</summary>
/// <param name="Epoch">Counted from 1; 0 is the state before training.</param>
/// <param name="Fence">The trial's fence, a number that rises with each lease, under which the epoch was trained.</param>
public sealed record EpochResult(
    int Epoch, long Fence, double? TrainLoss, double? ValidationLoss, double? ValidationAccuracy, double Seconds, GradientHealth? Health);
