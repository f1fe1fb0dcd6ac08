using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Dispatch;
using DeepTrain.Cluster.Grains.Monitoring;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Trials;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trials;
using Orleans.Concurrency;

namespace DeepTrain.Cluster.Grains.Sweeps;

/// <summary>The coordinator of one sweep: leases its trials, counts results, decides when it has ended. Keyed by the sweep's id.</summary>
/// <remarks>Calls that change all trials of a large sweep have a longer timeout than others.</remarks>
[Alias("DeepTrain.Sweep")]
public interface ISweepGrain : IGrainWithStringKey
{
    /// <summary>How long a call may take that changes all trials of a sweep.</summary>
    private const string Bulk = "00:10:00";

    /// <summary>Creates the sweep, or applies a file to the existing sweep of this id.</summary>
    /// <param name="text">A valid sweep file.</param>
    /// <param name="asNew">
    /// The caller found no sweep of this id. If one exists now: with another file it is of another submission; with the same file it
    /// was stored by an earlier call of this submission whose answer was lost.
    /// </param>
    [ResponseTimeout(Bulk), Alias("Submit")]
    Task<Submission> Submit(string text, bool asNew);

    /// <summary>A slot asks for a cohort, under a lease id that it chose. Repeating a request is harmless.</summary>
    /// <remarks>Requests overlap: the store commits several grants in the time of one.</remarks>
    [AlwaysInterleave, Alias("Lease")]
    Task<LeaseReply> Lease(LeaseRequest request);

    /// <summary>A silo renews the leases of its slots. A lease that the answer does not name is lost.</summary>
    [Alias("Renew")]
    Task<ImmutableDictionary<Guid, Wanted>> Renew(ImmutableArray<RenewedLease> leases);

    /// <summary>A slot gives back leased trials that it will not train.</summary>
    [Alias("Release")]
    Task Release(Guid lease, ImmutableArray<TrialId> trials);

    /// <summary>Reports trials that have durably ended. Repeated until acknowledged; a repetition is not counted again.</summary>
    [Alias("ReportEndings")]
    Task Report(ImmutableArray<TrialEnding> durable);

    /// <summary>Stops leasing; running cohorts finish their epoch, are saved and given back. False if it is not running.</summary>
    [Alias("Pause"), ResponseTimeout(Bulk)]
    Task<bool> Pause();

    /// <summary>Resumes the sweep after <see cref="Pause"/>. Returns false if it is not paused.</summary>
    [Alias("Resume"), ResponseTimeout(Bulk)]
    Task<bool> Resume();

    /// <summary>Ends all trials that have no outcome. Returns false if the sweep had already ended.</summary>
    [ResponseTimeout(Bulk), Alias("Cancel")]
    Task<bool> Cancel();

    /// <summary>Returns failed and cancelled trials to waiting with their attempts reset. Returns how many there were.</summary>
    [ResponseTimeout(Bulk), Alias("Retry")]
    Task<int> Retry();

    /// <summary>Deletes the sweep; its rows and files are removed in the background. Returns false if there is no such sweep.</summary>
    [ResponseTimeout(Bulk), Alias("Delete")]
    Task<bool> Delete();

    /// <summary>Returns null if there is no such sweep.</summary>
    [Alias("GetProgress")]
    Task<SweepProgress?> GetProgress();

    /// <summary>Makes sure that the sweep has a coordinator, and offers its trials again.</summary>
    [Alias("Touch")]
    Task Touch();

    /// <summary>Counts again what the store holds, because it was changed by something other than this coordinator.</summary>
    [Alias("Recount")]
    Task Recount();

    /// <summary>Some trials failed and wait to be tried again: they are counted as waiting with the next touch.</summary>
    [Alias("RecountWaiting")]
    Task RecountWaiting();
}

/// <summary>A lease that a slot holds.</summary>
/// <param name="Quiet">How long ago an epoch of its trials became durable; null if none has.</param>
[GenerateSerializer, Immutable, Alias("DeepTrain.RenewedLease")]
public sealed record RenewedLease(
    [property: Id(0)] Guid Lease, [property: Id(1)] SlotId Slot, [property: Id(2)] TimeSpan? Quiet = null);

/// <summary>What a sweep asks of the cohort of a valid lease.</summary>
[GenerateSerializer, Alias("DeepTrain.Wanted")]
public enum Wanted
{
    Train,

    /// <summary>Finish the epoch, save, and give the trials back. A run that cannot be saved trains on until it can.</summary>
    Pause,
}

[GenerateSerializer, Alias("DeepTrain.SubmissionKind")]
public enum SubmissionKind
{
    Created,

    /// <summary>The same sweep, not finished: it continues.</summary>
    Resumed,

    /// <summary>The same sweep, already finished or cancelled.</summary>
    Ended,

    /// <summary>The sweep was extended by new levels, replicates or claims, or has another objective.</summary>
    Extended,

    /// <summary>The file differs in something that results depend on; nothing was stored.</summary>
    Refused,

    /// <summary>A new sweep was requested, but another one has the id; nothing was stored.</summary>
    Taken,
}

/// <param name="Differences">Why the file was refused, one line for each difference.</param>
[GenerateSerializer, Immutable, Alias("DeepTrain.Submission")]
public sealed record Submission(
    [property: Id(0)] string SweepId,
    [property: Id(1)] SubmissionKind Kind,
    [property: Id(2)] int AddedTrials,
    [property: Id(3)] int RemovedTrials,
    [property: Id(4)] ImmutableArray<string> Differences);

/// <param name="Slots">How many slots share the sweep's trials.</param>
/// <param name="CohortSizes">By fusion key, the best number of trials for the slot to train together.</param>
[GenerateSerializer, Immutable, Alias("DeepTrain.LeaseRequest")]
public sealed record LeaseRequest(
    [property: Id(0)] Guid Lease,
    [property: Id(1)] SlotId Slot,
    [property: Id(2)] int Slots,
    [property: Id(3)] ImmutableDictionary<string, int> CohortSizes,
    [property: Id(4)] Provenance Worker);

/// <param name="Trials">The cohort; empty if nothing was leased.</param>
/// <param name="Unsized">
/// If not empty, nothing was leased: the request lacks cohort sizes for these configurations (canonical JSON, one per fusion key).
/// </param>
/// <param name="KeepModels">Whether the models of completed trials are kept.</param>
/// <param name="Objective">The metric by which completed trials are compared; null if nothing was leased.</param>
[GenerateSerializer, Immutable, Alias("DeepTrain.LeaseReply")]
public sealed record LeaseReply(
    [property: Id(0)] ImmutableArray<LeasedTrial> Trials,
    [property: Id(1)] ImmutableArray<string> Unsized,
    [property: Id(2)] bool KeepModels,
    [property: Id(4)] Metric? Objective)
{
    /// <summary>Nothing was leased to this slot now, though trials may be waiting.</summary>
    [Id(3)]
    public bool HeldBack { get; init; }

    /// <summary>
    /// The fusion keys of <see cref="Unsized"/>, in the same order. The worker reports the sizes under these keys, because a worker of
    /// another version may compute different ones.
    /// </summary>
    [Id(5)]
    public ImmutableArray<string> UnsizedKeys { get; init; } = [];
}

