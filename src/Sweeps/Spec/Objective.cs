using System.Collections.Immutable;

namespace DeepTrain.Cluster.Sweeps.Spec;

/// <summary>The metrics that trials can be compared by: those of training and validation at the last epoch, never of the test.</summary>
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

/// <summary>A metric at the last epoch, and whether it is maximized or minimized.</summary>
public sealed record Objective(Metric Metric, Goal Goal)
{
    /// <summary>The metrics by their names in the sweep file.</summary>
    public static ImmutableDictionary<string, Metric> Metrics { get; } = ImmutableDictionary.CreateRange<string, Metric>(
    [
        new("validation.accuracy", Metric.ValidationAccuracy),
        new("validation.loss", Metric.ValidationLoss),
        new("train.loss", Metric.TrainLoss),
    ]);

    /// <summary>The goal that suits the metric: to maximize an accuracy, to minimize a loss.</summary>
    public static Goal NaturalGoal(Metric metric) => metric is Metric.ValidationAccuracy ? Goal.Maximize : Goal.Minimize;
}
