using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Grains.Store;

/// <summary>Stores sweeps durably and decides which slot holds each lease. Takes coordinators' writes and workers' reports.</summary>
/// <remarks>
/// Every call is one transaction, durable when its task ends. Leases are timed only by the store's clock. Calls that take a
/// <see cref="Coordinator"/> throw <see cref="CoordinatorReplacedException"/> and change nothing once a later coordinator has
/// opened the sweep.
/// </remarks>
public interface ISweepStore
{
    /// <summary>Stores a sweep with its cells and trials, all waiting. Returns false and stores nothing if the id is taken.</summary>
    Task<bool> CreateAsync(string sweepId, int number, Sweep sweep);

    /// <summary>Makes the caller the sweep's coordinator by raising its fence. Returns null if there is no such sweep.</summary>
    Task<OpenedSweep?> OpenAsync(string sweepId);

    /// <summary>
    /// Applies a changed file: stores new cells and trials, marks those that the file no longer names as inactive and those that it names
    /// again as active, and makes the sweep <see cref="SweepStatus.Running"/>, unless it is paused: <see cref="FinishAsync"/> ends it again
    /// if no trial is open, with the status that its trials now give it.
    /// </summary>
    Task ExtendAsync(Coordinator coordinator, Sweep sweep);

    /// <summary>
    /// Leases the next waiting trials, ordered by replicate and cell, all of one fusion key, and raises their fences. Repeating a
    /// request with the same lease id returns the same grant and grants nothing more. Returns no trials if none may be granted.
    /// </summary>
    /// <remarks>
    /// A trial that lost its lease twice without progress is a suspect: it comes after all others, is leased alone, and only to a silo
    /// that holds no other trial; a silo that holds a suspect is granted nothing. A suspect that loses its lease twice more ends as
    /// <see cref="Outcome.Failed"/>, of class <see cref="FailureClass.WorkerKiller"/>.
    /// </remarks>
    Task<Granted> GrantAsync(Coordinator coordinator, GrantRequest request);

    /// <summary>Extends leases by their full time. Returns the leases that still hold a trial; the others are lost.</summary>
    Task<ImmutableHashSet<Guid>> RenewAsync(Coordinator coordinator, IReadOnlyCollection<Guid> leases, TimeSpan leaseTime);

    /// <summary>Returns trials that a lease still holds to waiting, without counting them as lost. Returns how many it held.</summary>
    Task<int> ReleaseAsync(Coordinator coordinator, Guid lease, IReadOnlyCollection<TrialId> trials);

    /// <summary>Returns all trials that a dead silo had leased to waiting and counts them as lost.</summary>
    Task<TakenTrials> ReleaseSiloAsync(string silo);

    /// <summary>Returns all leased trials to waiting as lost. Only for the owner of an embedded store, before it serves requests.</summary>
    Task<TakenTrials> ReleaseAllAsync();

    /// <summary>
    /// Writes epochs and endings. Each report is judged separately, by its trial's fence; the verdicts are in the order of the reports.
    /// A report whose own data cannot be written is <see cref="WriteVerdict.Invalid"/> and does not affect the others.
    /// </summary>
    Task<ImmutableArray<WriteVerdict>> WriteAsync(IReadOnlyList<FencedReport> reports);

    /// <summary>Ends each trial without an outcome as <see cref="Outcome.Cancelled"/>, raises their fences and cancels the sweep.</summary>
    Task CancelAsync(Coordinator coordinator);

    /// <summary>
    /// Recounts, and ends the sweep if every active trial has an outcome: as <see cref="SweepStatus.Cancelled"/> if any trial is cancelled,
    /// otherwise as <see cref="SweepStatus.Finished"/>. Returns the resulting status.
    /// </summary>
    Task<SweepStatus> FinishAsync(Coordinator coordinator);

    /// <summary>Pauses a running sweep. Leases stay: workers give theirs back. Returns false if the sweep was not running.</summary>
    Task<bool> PauseAsync(Coordinator coordinator);

    /// <summary>Makes a paused sweep running. Returns false if it was not paused.</summary>
    Task<bool> ResumeAsync(Coordinator coordinator);

    /// <summary>
    /// Returns failed and cancelled active trials to waiting with their attempts reset, and makes the sweep
    /// <see cref="SweepStatus.Running"/> if there are any, unless it is paused. Returns how many there were.
    /// </summary>
    Task<int> RetryAsync(Coordinator coordinator);

    /// <summary>Makes the sweep a tombstone, whatever its state; nothing can be written to it from then on.</summary>
    Task<bool> DeleteAsync(Coordinator coordinator);

    /// <summary>Removes at most this many trials of a tombstone; when none are left, its cells, leases and texts.</summary>
    Task<RemovedChunk> RemoveAsync(string sweepId, int trials);
}

/// <summary>The right to write as the coordinator of a sweep: valid until the sweep is opened again.</summary>
public sealed record Coordinator(string SweepId, long Fence);

/// <summary>A sweep as its new coordinator finds it.</summary>
/// <param name="Text">The current sweep file.</param>
/// <param name="Device">The kind of device that its trials are trained on; null if none was leased yet.</param>
public sealed record OpenedSweep(Coordinator Coordinator, string Text, SweepStatus Status, string? Device);

/// <summary>What a worker trains with. The last bits of a result depend on it, so it is stored with each trial.</summary>
/// <param name="CodeVersion">This program's version and commit.</param>
/// <param name="Libtorch">The version of the native library.</param>
/// <param name="CpuCapability">The instruction set that training runs on.</param>
/// <param name="Device">The device kind: cpu or cuda.</param>
[GenerateSerializer, Immutable, Alias("DeepTrain.Provenance")]
public sealed record Provenance(
    [property: Id(0)] string CodeVersion,
    [property: Id(1)] string Libtorch,
    [property: Id(2)] string CpuCapability,
    [property: Id(3)] string Device);

/// <param name="Lease">Chosen by the requesting slot.</param>
/// <param name="Worker">What the slot trains with.</param>
/// <param name="Silo">The silo of that slot.</param>
/// <param name="Slot">The slot's number in its silo.</param>
/// <param name="Limits">Limits by fusion key; trials of other keys are not granted.</param>
/// <param name="LeaseTime">How long the lease lasts without renewal; then the trials wait again.</param>
/// <param name="TakeExpired">Whether expired leases are taken from their holders.</param>
public sealed record GrantRequest(
    Guid Lease, string Silo, int Slot, Provenance Worker, ImmutableDictionary<string, CohortLimit> Limits, TimeSpan LeaseTime,
    bool TakeExpired)
{
    /// <summary>The kind of device that the sweep file asks for; null: the first lease decides.</summary>
    public string? Device { get; init; }

    /// <summary>The most leases of the sweep that may hold trials at once; null: there is no limit.</summary>
    public int? MaxLeases { get; init; }
}

/// <param name="Trials">The granted trials, ordered by replicate and cell.</param>
/// <param name="Lost">Trials that lost an expired lease; some of them may be among the granted ones.</param>
/// <param name="HeldBack">
/// Nothing was granted because of the slot or the time: the silo holds a suspect, or holds other trials while only suspects wait;
/// the sweep is trained on another kind of device; or it has reached its limit of leases. Another slot, or this one later, may get trials.
/// </param>
public sealed record Granted(ImmutableArray<LeasedTrial> Trials, LostTrials Lost, bool HeldBack)
{
    /// <summary>The lease had been granted before; nothing has changed.</summary>
    public bool IsRepeated { get; init; }
}

/// <summary>Trials that were taken from leases because their worker is dead or does not answer.</summary>
/// <param name="Count">How many trials; except for the killers they wait again.</param>
/// <param name="Killers">How many of them failed as <see cref="FailureClass.WorkerKiller"/>.</param>
public readonly record struct LostTrials(int Count, int Killers)
{
    public static LostTrials None => default;
}

/// <param name="Sweeps">The ids of the trials' sweeps.</param>
public sealed record TakenTrials(ImmutableArray<string> Sweeps, LostTrials Lost);

/// <param name="Checkpoints">Files that no row names any more.</param>
/// <param name="More">Whether there is more to remove.</param>
public sealed record RemovedChunk(ImmutableArray<string> Checkpoints, bool More);

/// <summary>How many trials of one fusion key a cohort takes.</summary>
/// <param name="AcrossReplicates">Whether it may contain trials of several replicates.</param>
public sealed record CohortLimit(int Trials, bool AcrossReplicates);

/// <param name="Fence">The number that every write for this trial must carry from now on.</param>
/// <param name="Attempt">The attempt's number, counted from 1.</param>
/// <param name="Configuration">The configuration as canonical JSON.</param>
/// <param name="Checkpoint">The name of the file that the trial resumes from; null: it starts with the first epoch.</param>
/// <param name="CheckpointEpoch">The last epoch that the file contains.</param>
[GenerateSerializer, Immutable, Alias("DeepTrain.LeasedTrial")]
public sealed record LeasedTrial(
    [property: Id(0)] TrialId Trial,
    [property: Id(1)] long Fence,
    [property: Id(2)] int Attempt,
    [property: Id(3)] string Configuration,
    [property: Id(4)] string? Checkpoint = null,
    [property: Id(5)] int CheckpointEpoch = 0);

/// <summary>A report with the fence under which its trial was trained.</summary>
public sealed record FencedReport(EpochReport Report, long Fence)
{
    /// <summary>The name of the file that the trial can resume from after this epoch; stored with it, or by a later repetition.</summary>
    public string? Checkpoint { get; init; }
}

public enum WriteVerdict
{
    /// <summary>The report is durable now.</summary>
    Accepted,

    /// <summary>The report was durable before: it has the same trial, epoch and fence.</summary>
    AlreadyAccepted,

    /// <summary>The report is durable and ends nothing: the failure may be temporary, so the trial is retried under a new fence.</summary>
    WillRetry,

    /// <summary>The report's fence is not the trial's, or the trial already has an outcome.</summary>
    Refused,

    /// <summary>The report names no known trial or cannot be written.</summary>
    Invalid,
}

/// <summary>A coordinator tried to write after a later coordinator had opened the sweep.</summary>
public sealed class CoordinatorReplacedException(string sweepId)
    : Exception($"Another coordinator has opened sweep {sweepId}.");
