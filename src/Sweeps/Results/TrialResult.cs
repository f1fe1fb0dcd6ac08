using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Sweeps.Results;

/// <summary>The one accepted result of a trial. A number is null where the trial has none or it was not finite.</summary>
/// <param name="Epochs">The number of epochs that it trained.</param>
/// <param name="Seconds">The trial's share of the time of its cohorts. It is reported but never compared.</param>
/// <param name="Fence">The trial's fence, a number that rises with each lease, under which the result was accepted.</param>
public sealed record TrialResult(
    TrialId Trial,
    Outcome Outcome,
    double? TrainLoss,
    double? ValidationLoss,
    double? ValidationAccuracy,
    double? TestLoss,
    double? TestAccuracy,
    int Epochs,
    double Seconds,
    long Fence,
    Failure? Failure)
{
    /// <summary>The problems of the gradients before training; null where they were not measured.</summary>
    public Ailments? AilmentsStart { get; init; }

    /// <summary>The problems of the gradients at the end; null where they were not measured.</summary>
    public Ailments? AilmentsEnd { get; init; }
}
