namespace DeepTrain.Cluster.Sweeps.Trials;

/// <summary>The measurements of one trial in one epoch. They may be infinite or NaN; the database stores such numbers as NULL.</summary>
/// <param name="Trial">The trial that the report is about.</param>
/// <param name="Epoch">Counted from 1; 0 is the state before training, whose train loss is NaN.</param>
/// <param name="TrainLoss">Mean cross-entropy in nats over the epoch's mini-batches, each measured in its training step.</param>
/// <param name="ValidationLoss">Mean cross-entropy in nats over the validation rows at the end of the epoch.</param>
/// <param name="ValidationAccuracy">Share of validation rows classified correctly, 0 to 1.</param>
/// <param name="Steps">Mini-batches trained in this epoch.</param>
/// <param name="Seconds">The trial's share of its cohort's time in this epoch.</param>
/// <param name="Ending">Set only in the last report of a trial.</param>
public sealed record EpochReport(
    TrialId Trial, int Epoch, double TrainLoss, double ValidationLoss, double ValidationAccuracy, int Steps, double Seconds,
    Ending? Ending)
{
    /// <summary>Rows trained in this epoch; 0 where the trainer does not report it.</summary>
    public int Samples { get; init; }

    /// <summary>The gradients at the end of the epoch; null where the trainer does not measure them.</summary>
    public GradientHealth? Health { get; init; }
}

/// <summary>How a trial ended.</summary>
/// <param name="TestLoss">Mean cross-entropy in nats over the test rows. Only completed trials have it.</param>
/// <param name="TestAccuracy">Share of test rows classified correctly, 0 to 1. Only completed trials have it.</param>
/// <param name="Failure">Only failed trials have it.</param>
public sealed record Ending(Outcome Outcome, double? TestLoss = null, double? TestAccuracy = null, Failure? Failure = null);

/// <summary>Why a trial failed.</summary>
/// <param name="Class">One of <see cref="FailureClass"/>.</param>
/// <param name="Message">An explanation for the user.</param>
public sealed record Failure(string Class, string Message)
{
    /// <summary>The largest number of characters that a failure keeps from a log.</summary>
    public const int LogLimit = 8 << 10;

    /// <summary>The last part of the log of the trial's program; null where there is none.</summary>
    public string? Log { get; init; }
}
