using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Sweeps.Results;

/// <summary>Computes the value of the objective for a trial.</summary>
public static class TrialObjective
{
    /// <summary>The objective of a trial that ended; null where it did not complete or the number is not finite.</summary>
    public static double? Of(this Objective objective, TrialResult result) =>
        objective.Of(result.Outcome, result.TrainLoss, result.ValidationLoss, result.ValidationAccuracy);

    /// <summary>The objective among the last metrics of a trial; null where it did not complete or the number is not finite.</summary>
    public static double? Of(this Objective objective, Outcome? outcome, double? trainLoss, double? validationLoss, double? validationAccuracy)
    {
        if (outcome is not Outcome.Completed)
            return null;
        var value = objective.Metric switch
        {
            Metric.ValidationAccuracy => validationAccuracy,
            Metric.ValidationLoss => validationLoss,
            Metric.TrainLoss => trainLoss,
            _ => throw new InvalidOperationException($"{objective.Metric} is no metric."),
        };
        return value is { } number && double.IsFinite(number) ? number : null;
    }
}
