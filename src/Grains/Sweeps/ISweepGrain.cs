using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Dispatch;
using DeepTrain.Cluster.Grains.Monitoring;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Trials;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trials;
using Orleans.Concurrency;

namespace DeepTrain.Cluster.Grains.Sweeps;

/// <summary>The coordinator of one sweep: leases its trials, counts what came back, decides when it is done. Keyed by the sweep's id.</summary>
/// <remarks>What changes all trials of a large sweep takes longer than other calls may.</remarks>
[Alias("DeepTrain.Sweep")]
public interface ISweepGrain : IGrainWithStringKey
{
    /// <summary>How long a call may take that changes all trials of a sweep.</summary>
    private const string Bulk = "00:10:00";

    /// <summary>Creates the sweep, or takes up a file for the one that has this id.</summary>
    /// <param name="text">A valid sweep file.</param>
    /// <param name="asNew">
    /// The caller has seen no sweep of this id. One of another file has taken it since; one of the same file is what an earlier call of
    /// the same submission has stored, whose answer was not waited for.
    /// </param>
    [ResponseTimeout(Bulk), Alias("Submit")]
    Task<Submission> Submit(string text, bool asNew);

    /// <summary>A slot asks for a cohort, under a lease id that it made. Repeating a request is harmless.</summary>
    /// <remarks>Requests overlap: the store makes several grants durable in the time of one.</remarks>
    [AlwaysInterleave, Alias("Lease")]
    Task<LeaseReply> Lease(LeaseRequest request);

    /// <summary>A silo renews the leases that it works under. A lease that the answer lacks is lost.</summary>
    [Alias("Renew")]
    Task<ImmutableDictionary<Guid, Wanted>> Renew(ImmutableArray<RenewedLease> leases);

    /// <summary>A slot gives back trials of its lease that it will not train.</summary>
    [Alias("Release")]
    Task Release(Guid lease, ImmutableArray<TrialId> trials);

    /// <summary>Which trials have durably ended. Repeated until acknowledged; a repeat counts once.</summary>
    [Alias("ReportEndings")]
    Task Report(ImmutableArray<TrialEnding> durable);

    /// <summary>No trial is leased from now on; cohorts in training finish their epoch, are saved and given back. False: it is not running.</summary>
    [Alias("Pause"), ResponseTimeout(Bulk)]
    Task<bool> Pause();

    /// <summary>Goes on where <see cref="Pause"/> stopped it. False: it is not paused.</summary>
    [Alias("Resume"), ResponseTimeout(Bulk)]
    Task<bool> Resume();

    /// <summary>Ends all trials that have no outcome. False: the sweep had ended before.</summary>
    [ResponseTimeout(Bulk), Alias("Cancel")]
    Task<bool> Cancel();

    /// <summary>Lets failed and cancelled trials wait again, as if they had never been tried. How many.</summary>
    [ResponseTimeout(Bulk), Alias("Retry")]
    Task<int> Retry();

    /// <summary>Takes the sweep away for good; its rows and files go by and by. False: there is none.</summary>
    [ResponseTimeout(Bulk), Alias("Delete")]
    Task<bool> Delete();

    /// <summary>Null: there is no such sweep.</summary>
    [Alias("GetProgress")]
    Task<SweepProgress?> GetProgress();

    /// <summary>Makes sure that somebody coordinates the sweep, and offers its trials again.</summary>
    [Alias("Touch")]
    Task Touch();

    /// <summary>Counts anew what the store holds, because something else than this coordinator has changed it.</summary>
    [Alias("Recount")]
    Task Recount();

    /// <summary>Counts anew what waits, because trials failed that are tried again after a pause.</summary>
    [Alias("RecountWaiting")]
    Task RecountWaiting();
}

/// <summary>A lease that its slot works under.</summary>
/// <param name="Quiet">How long ago an epoch of its trials became durable; null: none has.</param>
[GenerateSerializer, Immutable, Alias("DeepTrain.RenewedLease")]
public sealed record RenewedLease(
    [property: Id(0)] Guid Lease, [property: Id(1)] SlotId Slot, [property: Id(2)] TimeSpan? Quiet = null);

/// <summary>What a sweep wants of the cohort of a good lease.</summary>
[GenerateSerializer, Alias("DeepTrain.Wanted")]
public enum Wanted
{
    Train,

    /// <summary>Finish the epoch, save, and give the trials back. What cannot be saved trains on until it can.</summary>
    Pause,
}

[GenerateSerializer, Alias("DeepTrain.SubmissionKind")]
public enum SubmissionKind
{
    Created,

    /// <summary>The same sweep, not finished: it goes on.</summary>
    Resumed,

    /// <summary>The same sweep, finished or cancelled before.</summary>
    Ended,

    /// <summary>The sweep took over new levels, replicates, claims or another objective.</summary>
    Extended,

    /// <summary>The file differs in something that results depend on; nothing was stored.</summary>
    Refused,

    /// <summary>A new sweep was asked for, but another has the id; nothing was stored.</summary>
    Taken,
}

/// <param name="Differences">Why it was refused, a line each.</param>
[GenerateSerializer, Immutable, Alias("DeepTrain.Submission")]
public sealed record Submission(
    [property: Id(0)] string SweepId,
    [property: Id(1)] SubmissionKind Kind,
    [property: Id(2)] int AddedTrials,
    [property: Id(3)] int RemovedTrials,
    [property: Id(4)] ImmutableArray<string> Differences);

/// <param name="Slots">How many slots the sweep's trials are shared among.</param>
/// <param name="CohortSizes">By fusion key, how many trials the slot trains together at best.</param>
[GenerateSerializer, Immutable, Alias("DeepTrain.LeaseRequest")]
public sealed record LeaseRequest(
    [property: Id(0)] Guid Lease,
    [property: Id(1)] SlotId Slot,
    [property: Id(2)] int Slots,
    [property: Id(3)] ImmutableDictionary<string, int> CohortSizes,
    [property: Id(4)] Provenance Worker);

/// <param name="Trials">The cohort; empty where nothing waits.</param>
/// <param name="Unsized">
/// Not empty: nothing was leased, because the request lacks cohort sizes for these configurations (canonical JSON, one a fusion key).
/// </param>
/// <param name="KeepModels">Whether the models of those that complete are kept.</param>
/// <param name="Objective">What those that complete are compared by; null: nothing was leased.</param>
[GenerateSerializer, Immutable, Alias("DeepTrain.LeaseReply")]
public sealed record LeaseReply(
    [property: Id(0)] ImmutableArray<LeasedTrial> Trials,
    [property: Id(1)] ImmutableArray<string> Unsized,
    [property: Id(2)] bool KeepModels,
    [property: Id(4)] Metric? Objective)
{
    /// <summary>Nothing was leased to this slot now, though trials may wait.</summary>
    [Id(3)]
    public bool HeldBack { get; init; }

    /// <summary>
    /// The fusion keys of <see cref="Unsized"/>, in the same order. The sizes are told under these: a worker of another version may compute
    /// other keys.
    /// </summary>
    [Id(5)]
    public ImmutableArray<string> UnsizedKeys { get; init; } = [];
}

