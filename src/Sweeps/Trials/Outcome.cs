namespace DeepTrain.Cluster.Sweeps.Trials;

/// <summary>How a trial ended.</summary>
public enum Outcome
{
    /// <summary>Trained to its last epoch.</summary>
    Completed,

    /// <summary>A loss or parameter became infinite or NaN. This is a result, not an error.</summary>
    Diverged,

    /// <summary>Ended early by a stopping rule or by the user.</summary>
    Stopped,

    /// <summary>Ended by an error, which the trial's failure describes.</summary>
    Failed,

    /// <summary>Its sweep was cancelled.</summary>
    Cancelled,
}
