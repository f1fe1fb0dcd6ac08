namespace DeepTrain.Cluster.Sweeps.Trials;

/// <summary>How a trial ended.</summary>
public enum Outcome
{
    /// <summary>Trained to its last epoch.</summary>
    Completed,

    /// <summary>A loss or parameter left the finite numbers: a finding, not an error.</summary>
    Diverged,

    /// <summary>Ended early by a rule or a person.</summary>
    Stopped,

    /// <summary>Ended by an error; its failure says which.</summary>
    Failed,

    /// <summary>Its sweep was cancelled.</summary>
    Cancelled,
}
