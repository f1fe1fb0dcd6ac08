using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Grains.Trials;

/// <summary>What a coordinator is told of a trial that has durably ended. It chooses the objective itself: its file may have changed it.</summary>
/// <param name="Fence">The fence under which it ended.</param>
/// <param name="TrainLoss">Like the other metrics that of the last epoch.</param>
/// <param name="Ailments">What was wrong with the gradients at the end; null: nobody looked.</param>
[GenerateSerializer, Immutable, Alias("DeepTrain.TrialEnding")]
public sealed record TrialEnding(
    [property: Id(0)] TrialId Trial,
    [property: Id(1)] long Fence,
    [property: Id(2)] Outcome Outcome,
    [property: Id(3)] double TrainLoss,
    [property: Id(4)] double ValidationLoss,
    [property: Id(5)] double ValidationAccuracy,
    [property: Id(6)] Ailments? Ailments)
{
    /// <summary>Null: the report is not a trial's last.</summary>
    public static TrialEnding? Of(FencedReport fenced) => fenced is { Report: { Ending: { } ending } report }
        ? new(report.Trial, fenced.Fence, ending.Outcome, report.TrainLoss, report.ValidationLoss, report.ValidationAccuracy, report.Health?.Ailments)
        : null;
}
