namespace DeepTrain.Cluster.Sweeps.Spec;

/// <summary>Which of a sweep's models, the final weights of its trials, are kept. No result depends on it.</summary>
public enum Keep
{
    /// <summary>Those of the best cell, once the sweep is finished.</summary>
    Best,
    All,
    None,
}
