using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Grains.Store;

/// <summary>Reads the durable state of sweeps. Queries neither need a coordinator nor disturb one.</summary>
/// <remarks>A sweep that is <see cref="SweepStatus.Deleted"/> is hidden, except from queries about its number or its removal.</remarks>
public interface ISweepReader
{
    /// <summary>All sweeps, the newest first.</summary>
    Task<ImmutableArray<SweepOverview>> ListAsync(CancellationToken cancellation);

    /// <summary>One sweep by its exact id; null if there is none.</summary>
    Task<SweepOverview?> FindAsync(string sweepId, CancellationToken cancellation);

    /// <summary>The ids of all sweeps that are <see cref="SweepStatus.Running"/>, the oldest first.</summary>
    Task<ImmutableArray<string>> UnfinishedAsync();

    /// <summary>The ids of deleted sweeps that still have rows to remove, the oldest first.</summary>
    Task<ImmutableArray<string>> TombstonesAsync();

    /// <summary>The highest number that a sweep of this name has or had, including deleted ones; 0 if there was none.</summary>
    Task<int> LatestNumberAsync(string name, CancellationToken cancellation);

    /// <summary>The current sweep file.</summary>
    Task<string?> ReadTextAsync(string sweepId, CancellationToken cancellation);

    /// <summary>Every active trial that has an outcome, ordered by cell and replicate.</summary>
    Task<ImmutableArray<TrialResult>> ReadResultsAsync(string sweepId, CancellationToken cancellation);

    /// <summary>What a coordinator needs to know about every active trial that has an outcome, in any order.</summary>
    Task<ImmutableArray<EndedTrial>> ReadEndedAsync(string sweepId);

    /// <summary>Which of these trials have failed under exactly this fence and have not been retried since.</summary>
    Task<ImmutableHashSet<(TrialId Trial, long Fence)>> ReadFailedAsync(IReadOnlyCollection<(TrialId Trial, long Fence)> trials);

    /// <summary>Counts the active trials of a sweep; all counts are 0 if there is no such sweep.</summary>
    Task<TrialCounts> CountAsync(string sweepId);

    /// <summary>The epochs of a trial so far, in order.</summary>
    Task<ImmutableArray<EpochResult>> ReadEpochsAsync(TrialId trial, CancellationToken cancellation);

    /// <summary>The provenance of the worker that leased the trial last; null if it was never leased.</summary>
    Task<Provenance?> ReadProvenanceAsync(TrialId trial, CancellationToken cancellation);

    /// <summary>The names of the checkpoints that trials resume from.</summary>
    Task<ImmutableHashSet<string>> ReadCheckpointsAsync();
}

[GenerateSerializer, Alias("DeepTrain.SweepStatus")]
public enum SweepStatus
{
    Running,
    Finished,
    Cancelled,

    /// <summary>Its trials are not leased until a user resumes it.</summary>
    Paused,

    /// <summary>The sweep is a tombstone: its number is never reused.</summary>
    Deleted,
}

/// <param name="Id"><c>name-N</c>.</param>
/// <param name="Device">The kind of device that its trials are trained on; null if none was leased yet.</param>
/// <param name="Waiting">Trials with neither a lease nor an outcome.</param>
/// <param name="Leased">Trials with a lease and no outcome.</param>
/// <param name="ByOutcome">Trials by outcome. Like the other counts, it includes only active trials.</param>
public sealed record SweepOverview(
    string Id, string Name, int Number, SweepStatus Status, DateTimeOffset Created, DateTimeOffset? Finished, string? Device,
    int Waiting, int Leased, ImmutableDictionary<Outcome, int> ByOutcome)
{
    public int Total => Waiting + Leased + ByOutcome.Values.Sum();
}

/// <param name="Cell">The cell's id.</param>
/// <param name="TrainLoss">The value of the last epoch, like the other metrics; null if it is not finite.</param>
/// <param name="Ailments">What was wrong with the gradients at the end; null if they were not checked.</param>
public readonly record struct EndedTrial(
    string Cell, int Replicate, Outcome Outcome, double? TrainLoss, double? ValidationLoss, double? ValidationAccuracy, Ailments? Ailments);

/// <param name="Waiting">Trials with neither a lease nor an outcome.</param>
/// <param name="Suspects">Waiting trials that are leased alone, to a silo that holds no other trial.</param>
/// <param name="Leased">Trials with a lease and no outcome.</param>
/// <param name="Ended">Trials with an outcome.</param>
public readonly record struct TrialCounts(int Waiting, int Suspects, int Leased, int Ended);
