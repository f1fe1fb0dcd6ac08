using System.Collections.Immutable;

namespace DeepTrain.Cluster.Sweeps.Spec;

/// <summary>What trials are compared by: a metric of validation or training at the last epoch. Never of the test.</summary>
public enum Metric
{
    ValidationAccuracy,
    ValidationLoss,
    TrainLoss,
}

public enum Goal
{
    Maximize,
    Minimize,
}

/// <summary>A metric at the last epoch, and which way is better.</summary>
public sealed record Objective(Metric Metric, Goal Goal)
{
    /// <summary>The metrics by the names that the sweep file gives them.</summary>
    public static ImmutableDictionary<string, Metric> Metrics { get; } = ImmutableDictionary.CreateRange<string, Metric>(
    [
        new("validation.accuracy", Metric.ValidationAccuracy),
        new("validation.loss", Metric.ValidationLoss),
        new("train.loss", Metric.TrainLoss),
    ]);

    /// <summary>Which way is better by the metric's nature.</summary>
    public static Goal NaturalGoal(Metric metric) => metric is Metric.ValidationAccuracy ? Goal.Maximize : Goal.Minimize;
}
