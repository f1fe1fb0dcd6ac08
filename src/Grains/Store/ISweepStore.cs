using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Grains.Store;

/// <summary>The durable truth about sweeps, and the arbiter of leases. What a coordinator may write, and what workers report.</summary>
/// <remarks>
/// Every call is one transaction, durable when its task ends. The store's clock is the only one that leases know. Calls that take a
/// <see cref="Coordinator"/> throw <see cref="CoordinatorReplacedException"/> and change nothing once a later coordinator has opened
/// the sweep.
/// </remarks>
public interface ISweepStore
{
    /// <summary>Stores a sweep with its cells and trials, all waiting. False, and nothing is stored, if the id is taken.</summary>
    Task<bool> CreateAsync(string sweepId, int number, Sweep sweep);

    /// <summary>Makes the caller the sweep's coordinator by raising its fence. Null if there is no such sweep.</summary>
    Task<OpenedSweep?> OpenAsync(string sweepId);

    /// <summary>
    /// Takes over a changed file: stores cells and trials that are new, marks those no longer named as inactive, those named again as
    /// active, and makes the sweep <see cref="SweepStatus.Running"/> if any has no outcome, unless it is paused.
    /// </summary>
    Task ExtendAsync(Coordinator coordinator, Sweep sweep);

    /// <summary>
    /// Leases the next waiting trials, in the order of replicate and cell, all of one fusion key; raises their fences. Repeating a
    /// request with the same lease id returns what it was granted, and grants nothing more. Empty: no trial waits that may be granted.
    /// </summary>
    /// <remarks>
    /// A trial that was lost twice without getting further is a suspect: it comes after all others, is leased alone, and only to a silo
    /// that holds nothing else; a silo that holds a suspect is granted nothing. Lost twice so, it ends as
    /// <see cref="Outcome.Failed"/>, of class <see cref="FailureClass.WorkerKiller"/>.
    /// </remarks>
    Task<Granted> GrantAsync(Coordinator coordinator, GrantRequest request);

    /// <summary>Gives leases their full time again. Returns those that still hold a trial; the others are lost.</summary>
    Task<ImmutableHashSet<Guid>> RenewAsync(Coordinator coordinator, IReadOnlyCollection<Guid> leases, TimeSpan leaseTime);

    /// <summary>Lets trials that a lease still holds wait again, in good order: nothing counts as lost. How many it held.</summary>
    Task<int> ReleaseAsync(Coordinator coordinator, Guid lease, IReadOnlyCollection<TrialId> trials);

    /// <summary>Lets all trials that a silo has leased wait again, as lost, because the silo is dead.</summary>
    Task<TakenTrials> ReleaseSiloAsync(string silo);

    /// <summary>Lets all leased trials wait again, as lost. Only for the owner of an embedded store, before it serves anyone.</summary>
    Task<TakenTrials> ReleaseAllAsync();

    /// <summary>
    /// Writes epochs and endings. Each report is judged by itself, by its trial's fence; the verdicts are in the order of the reports.
    /// A report that the data itself makes impossible to write is <see cref="WriteVerdict.Invalid"/>, and harms no other.
    /// </summary>
    Task<ImmutableArray<WriteVerdict>> WriteAsync(IReadOnlyList<FencedReport> reports);

    /// <summary>Ends every trial that has no outcome as <see cref="Outcome.Cancelled"/>, raises their fences, and the sweep with them.</summary>
    Task CancelAsync(Coordinator coordinator);

    /// <summary>
    /// Recounts, and ends the sweep if every active trial has an outcome: as <see cref="SweepStatus.Cancelled"/> if any of them is, else
    /// as <see cref="SweepStatus.Finished"/>. What it is now.
    /// </summary>
    Task<SweepStatus> FinishAsync(Coordinator coordinator);

    /// <summary>Running becomes paused. No lease is touched: workers give theirs back. False: it was not running.</summary>
    Task<bool> PauseAsync(Coordinator coordinator);

    /// <summary>Paused becomes running. False: it was not paused.</summary>
    Task<bool> ResumeAsync(Coordinator coordinator);

    /// <summary>
    /// Lets failed and cancelled active trials wait again as if they had never been tried, and makes the sweep
    /// <see cref="SweepStatus.Running"/> if there are any, unless it is paused. How many there were.
    /// </summary>
    Task<int> RetryAsync(Coordinator coordinator);

    /// <summary>Makes the sweep a tombstone, whatever its state; from now on nothing of it can be written.</summary>
    Task<bool> DeleteAsync(Coordinator coordinator);

    /// <summary>Removes a part of what a tombstone has left, at most so many trials; at last its cells, leases and texts.</summary>
    Task<RemovedChunk> RemoveAsync(string sweepId, int trials);
}

/// <summary>Who may write as the coordinator of a sweep: valid until somebody opens the sweep anew.</summary>
public sealed record Coordinator(string SweepId, long Fence);

/// <summary>A sweep as its new coordinator finds it.</summary>
/// <param name="Text">The sweep file that is in force.</param>
/// <param name="Device">The kind of devices that its trials are trained on; null: none was leased yet.</param>
public sealed record OpenedSweep(Coordinator Coordinator, string Text, SweepStatus Status, string? Device);

/// <summary>What a worker trains with: the rest of what a result's last bits depend on, kept with each trial.</summary>
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

/// <param name="Lease">Made by the slot that asks.</param>
/// <param name="Worker">What that slot trains with.</param>
/// <param name="Silo">The silo of that slot.</param>
/// <param name="Slot">The slot's number in its silo.</param>
/// <param name="Limits">By fusion key; trials of another key are not granted.</param>
/// <param name="LeaseTime">After it, without renewal, the trials wait again.</param>
/// <param name="TakeExpired">Whether leases whose time is over are taken from their holders.</param>
public sealed record GrantRequest(
    Guid Lease, string Silo, int Slot, Provenance Worker, ImmutableDictionary<string, CohortLimit> Limits, TimeSpan LeaseTime,
    bool TakeExpired)
{
    /// <summary>The kind of devices that the sweep file asks for; null: whichever leases first.</summary>
    public string? Device { get; init; }

    /// <summary>No grant while so many leases of the sweep hold a trial; null: there is no limit.</summary>
    public int? MaxLeases { get; init; }
}

/// <param name="Trials">In the order of replicate and cell.</param>
/// <param name="Lost">Those that lost a lease whose time was over; some may be among those granted.</param>
/// <param name="HeldBack">
/// Nothing was granted because of who asked, and when: the silo holds what nothing may be beside, or other trials where only suspects
/// wait; the sweep is trained on another kind of devices; or it has as many leases as it may have. Another, or the same a little later, may be granted what waits.
/// </param>
public sealed record Granted(ImmutableArray<LeasedTrial> Trials, LostTrials Lost, bool HeldBack)
{
    /// <summary>The lease had been granted before; nothing has changed.</summary>
    public bool IsRepeated { get; init; }
}

/// <summary>Trials that were taken from leases, because whoever trained them is dead or silent.</summary>
/// <param name="Count">How many. They wait again, but for the killers.</param>
/// <param name="Killers">Those that failed as <see cref="FailureClass.WorkerKiller"/>.</param>
public readonly record struct LostTrials(int Count, int Killers)
{
    public static LostTrials None => default;
}

/// <param name="Sweeps">The ids of the trials' sweeps.</param>
public sealed record TakenTrials(ImmutableArray<string> Sweeps, LostTrials Lost);

/// <param name="Checkpoints">Files that nobody names any more.</param>
/// <param name="More">Whether there is more to remove.</param>
public sealed record RemovedChunk(ImmutableArray<string> Checkpoints, bool More);

/// <summary>How many trials of one fusion key a cohort takes.</summary>
/// <param name="AcrossReplicates">Whether it may take trials of several replicates.</param>
public sealed record CohortLimit(int Trials, bool AcrossReplicates);

/// <param name="Fence">The number that every write for this trial must carry from now on.</param>
/// <param name="Attempt">Counted from 1.</param>
/// <param name="Configuration">Canonical JSON.</param>
/// <param name="Checkpoint">The name of the file that it goes on from; null: from the first epoch.</param>
/// <param name="CheckpointEpoch">The last epoch that is in the file.</param>
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
    /// <summary>The name of the file that the trial can go on from after this epoch; becomes durable with it, or later by a repetition.</summary>
    public string? Checkpoint { get; init; }
}

public enum WriteVerdict
{
    /// <summary>Durable now.</summary>
    Accepted,

    /// <summary>It was durable before: the same trial, epoch and fence.</summary>
    AlreadyAccepted,

    /// <summary>Durable now, and no ending: the failure may pass, so the trial waits to be tried again under another fence.</summary>
    WillRetry,

    /// <summary>Its fence is not the trial's, or the trial has its outcome already.</summary>
    Refused,

    /// <summary>It names no trial, or cannot be written.</summary>
    Invalid,
}

/// <summary>A write came from a coordinator after another had opened the sweep.</summary>
public sealed class CoordinatorReplacedException(string sweepId)
    : Exception($"Another coordinator has opened sweep {sweepId}.");
