namespace DeepTrain.Cluster.Sweeps.Trials;

/// <summary>What one trial showed in one epoch. Numbers that are not finite stand as they are; the store writes them as NULL.</summary>
/// <param name="Trial">Whose report it is.</param>
/// <param name="Epoch">Counted from 1; 0 is the state before training, whose train loss is NaN.</param>
/// <param name="TrainLoss">Mean cross-entropy in nats over the epoch's mini-batches, as they were trained.</param>
/// <param name="ValidationLoss">Mean cross-entropy in nats over the validation rows at the end of the epoch.</param>
/// <param name="ValidationAccuracy">Share of validation rows classified rightly, 0 to 1.</param>
/// <param name="Steps">Mini-batches trained in this epoch.</param>
/// <param name="Seconds">The trial's share of its cohort's time in this epoch.</param>
/// <param name="Ending">Not null with a trial's last report; none follows it.</param>
public sealed record EpochReport(
    TrialId Trial, int Epoch, double TrainLoss, double ValidationLoss, double ValidationAccuracy, int Steps, double Seconds,
    Ending? Ending)
{
    /// <summary>Rows trained in this epoch; 0 where the trainer does not tell.</summary>
    public int Samples { get; init; }

    /// <summary>The gradients at the end of the epoch; null where the trainer looks at none.</summary>
    public GradientHealth? Health { get; init; }
}

/// <summary>How a trial ended.</summary>
/// <param name="TestLoss">Mean cross-entropy in nats over the test rows; only of a completed trial.</param>
/// <param name="TestAccuracy">Share of test rows classified rightly, 0 to 1; only of a completed trial.</param>
/// <param name="Failure">Only of a failed trial.</param>
public sealed record Ending(Outcome Outcome, double? TestLoss = null, double? TestAccuracy = null, Failure? Failure = null);

/// <summary>Why a trial failed.</summary>
/// <param name="Class">One of <see cref="FailureClass"/>.</param>
/// <param name="Message">What went wrong, for a person.</param>
public sealed record Failure(string Class, string Message)
{
    /// <summary>The most characters that a failure keeps of a log.</summary>
    public const int LogLimit = 8 << 10;

    /// <summary>The tail of what the trial's program logged; null where there is none.</summary>
    public string? Log { get; init; }
}
