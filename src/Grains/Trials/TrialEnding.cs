using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Grains.Trials;

/// <summary>What a coordinator learns of a durably ended trial. It picks the objective itself: its file may have changed it.</summary>
/// <param name="Fence">The fence under which it ended.</param>
/// <param name="TrainLoss">The value of the last epoch, like the other metrics.</param>
/// <param name="Ailments">What was wrong with the gradients at the end; null if they were not checked.</param>
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
    /// <summary>Returns null if the report is not the trial's last.</summary>
    public static TrialEnding? Of(FencedReport fenced) => fenced is { Report: { Ending: { } ending } report }
        ? new(report.Trial, fenced.Fence, ending.Outcome, report.TrainLoss, report.ValidationLoss, report.ValidationAccuracy, report.Health?.Ailments)
        : null;
}
