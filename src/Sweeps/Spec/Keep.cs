namespace DeepTrain.Cluster.Sweeps.Spec;

/// <summary>Which models of a sweep, the final weights of its trials, are kept. No result depends on it.</summary>
public enum Keep
{
    /// <summary>The models of the best cell, once the sweep is finished.</summary>
    Best,
    All,
    None,
}
