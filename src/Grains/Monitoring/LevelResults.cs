namespace DeepTrain.Cluster.Grains.Monitoring;

/// <summary>How the trials of one level of one factor have done so far.</summary>
/// <param name="Trained">Those that completed, diverged or were stopped: what failed or was cancelled says nothing of its level.</param>
/// <param name="Objective">The mean over those that completed; null: none has.</param>
/// <param name="Diverged">The share of diverged ones, 0 to 1; null: none was trained to its end.</param>
/// <param name="Unhealthy">The share of those whose gradients were not healthy at the end, of those that somebody looked at, 0 to 1.</param>
public sealed record LevelResults(string Factor, string Level, int Trained, double? Objective, double? Diverged, double? Unhealthy);
