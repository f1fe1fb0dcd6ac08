using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Grains.Store;

/// <summary>Questions to the durable truth. They need no coordinator and disturb none.</summary>
/// <remarks>A sweep that is <see cref="SweepStatus.Deleted"/> is not seen, except where its number or its removal is the question.</remarks>
public interface ISweepReader
{
    /// <summary>All sweeps, the newest first.</summary>
    Task<ImmutableArray<SweepOverview>> ListAsync(CancellationToken cancellation);

    /// <summary>One sweep by its exact id; null if there is none.</summary>
    Task<SweepOverview?> FindAsync(string sweepId, CancellationToken cancellation);

    /// <summary>The ids of all sweeps that are <see cref="SweepStatus.Running"/>, the oldest first.</summary>
    Task<ImmutableArray<string>> UnfinishedAsync();

    /// <summary>The ids of deleted sweeps of which there are still rows to remove, the oldest first.</summary>
    Task<ImmutableArray<string>> TombstonesAsync();

    /// <summary>The highest number that a sweep of this name has or had, deleted ones included; 0 if there was none.</summary>
    Task<int> LatestNumberAsync(string name, CancellationToken cancellation);

    /// <summary>The sweep file in force.</summary>
    Task<string?> ReadTextAsync(string sweepId, CancellationToken cancellation);

    /// <summary>Every active trial that has an outcome, in the order of cell and replicate.</summary>
    Task<ImmutableArray<TrialResult>> ReadResultsAsync(string sweepId, CancellationToken cancellation);

    /// <summary>What a coordinator has to know of every active trial that has an outcome, in any order.</summary>
    Task<ImmutableArray<EndedTrial>> ReadEndedAsync(string sweepId);

    /// <summary>Which of these trials have failed under just this fence, and not been retried since.</summary>
    Task<ImmutableHashSet<(TrialId Trial, long Fence)>> ReadFailedAsync(IReadOnlyCollection<(TrialId Trial, long Fence)> trials);

    /// <summary>The active trials of a sweep, counted; none where there is no such sweep.</summary>
    Task<TrialCounts> CountAsync(string sweepId);

    /// <summary>The epochs of a trial so far, in order.</summary>
    Task<ImmutableArray<EpochResult>> ReadEpochsAsync(TrialId trial, CancellationToken cancellation);

    /// <summary>What the worker trained with that leased a trial last; null: nobody has.</summary>
    Task<Provenance?> ReadProvenanceAsync(TrialId trial, CancellationToken cancellation);

    /// <summary>The names of the checkpoints that trials go on from.</summary>
    Task<ImmutableHashSet<string>> ReadCheckpointsAsync();
}

[GenerateSerializer, Alias("DeepTrain.SweepStatus")]
public enum SweepStatus
{
    Running,
    Finished,
    Cancelled,

    /// <summary>Nothing of it is leased until somebody resumes it.</summary>
    Paused,

    /// <summary>A tombstone: its number is never used again.</summary>
    Deleted,
}

/// <param name="Id"><c>name-N</c>.</param>
/// <param name="Device">The kind of devices that its trials are trained on; null: none was leased yet.</param>
/// <param name="Waiting">Trials without a lease and an outcome.</param>
/// <param name="Leased">Trials with a lease and without an outcome.</param>
/// <param name="ByOutcome">Trials by outcome. Like the other counts over active trials only.</param>
public sealed record SweepOverview(
    string Id, string Name, int Number, SweepStatus Status, DateTimeOffset Created, DateTimeOffset? Finished, string? Device,
    int Waiting, int Leased, ImmutableDictionary<Outcome, int> ByOutcome)
{
    public int Total => Waiting + Leased + ByOutcome.Values.Sum();
}

/// <param name="Cell">The cell's id.</param>
/// <param name="TrainLoss">Like the other metrics that of the last epoch; null where it is not finite.</param>
/// <param name="Ailments">What was wrong with the gradients at the end; null: nobody looked.</param>
public readonly record struct EndedTrial(
    string Cell, int Replicate, Outcome Outcome, double? TrainLoss, double? ValidationLoss, double? ValidationAccuracy, Ailments? Ailments);

/// <param name="Waiting">Without a lease and an outcome.</param>
/// <param name="Suspects">Those of the waiting that are leased alone, to a silo that holds nothing else.</param>
/// <param name="Leased">With a lease and without an outcome.</param>
/// <param name="Ended">With an outcome.</param>
public readonly record struct TrialCounts(int Waiting, int Suspects, int Leased, int Ended);
