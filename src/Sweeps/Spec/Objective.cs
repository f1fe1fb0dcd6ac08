using System.Collections.Immutable;

namespace DeepTrain.Cluster.Sweeps;

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

    /// <summary>The objective of a trial that ended; null where it did not complete or the number is not finite.</summary>
    public double? Of(TrialResult result) => Of(result.Outcome, result.TrainLoss, result.ValidationLoss, result.ValidationAccuracy);

    /// <summary>The objective among a trial's last metrics; null where it did not complete or the number is not finite.</summary>
    public double? Of(Outcome? outcome, double? trainLoss, double? validationLoss, double? validationAccuracy)
    {
        if (outcome is not Outcome.Completed)
            return null;
        var value = Metric switch
        {
            Metric.ValidationAccuracy => validationAccuracy,
            Metric.ValidationLoss => validationLoss,
            Metric.TrainLoss => trainLoss,
            _ => throw new InvalidOperationException($"{Metric} is no metric."),
        };
        return value is { } number && double.IsFinite(number) ? number : null;
    }
}
