namespace DeepTrain.Cluster.Training;

/// <summary>What the trials of one replicate share: their random numbers and which rows are for what.</summary>
internal sealed record Replicate(BaseDraws Draws, Partition Partition);
