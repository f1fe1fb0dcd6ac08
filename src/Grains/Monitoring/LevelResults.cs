namespace DeepTrain.Cluster.Grains.Monitoring;

/// <summary>The results so far of the trials with one level of one factor.</summary>
/// <param name="Trained">Completed, diverged and stopped trials: failed and cancelled ones say nothing about the level.</param>
/// <param name="Objective">The mean over the completed trials; null if there are none.</param>
/// <param name="Diverged">The share of diverged trials, 0 to 1; null if none was trained to its end.</param>
/// <param name="Unhealthy">Of the trials whose gradients were checked, the share with unhealthy ones at the end, 0 to 1.</param>
public sealed record LevelResults(string Factor, string Level, int Trained, double? Objective, double? Diverged, double? Unhealthy);
