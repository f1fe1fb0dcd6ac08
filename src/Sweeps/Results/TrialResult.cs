using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Sweeps.Results;

/// <summary>The one accepted result of a trial; null where it has none or the number was not finite.</summary>
/// <param name="Epochs">How many epochs it trained.</param>
/// <param name="Seconds">Its share of its cohorts' time: reported, never compared.</param>
/// <param name="Fence">The fence under which the result was accepted.</param>
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
    /// <summary>What was wrong with the gradients before training; null where nobody looked.</summary>
    public Ailments? AilmentsStart { get; init; }

    /// <summary>What was wrong with the gradients at the end; null where nobody looked.</summary>
    public Ailments? AilmentsEnd { get; init; }
}
