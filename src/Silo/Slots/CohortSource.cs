using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Dispatch;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Grains.Trials;
using DeepTrain.Cluster.Sweeps.Spec;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo.Slots;

/// <summary>Trials that a slot has leased and that their grains have admitted.</summary>
/// <param name="KeepModels">Whether the models of completed trials are kept.</param>
/// <param name="Objective">The metric by which completed trials are compared.</param>
internal sealed record LeasedCohort(HeldLease Lease, ImmutableArray<LeasedTrial> Trials, bool KeepModels, Metric? Objective);

/// <summary>What a slot presents when it asks for work.</summary>
internal sealed record SlotIdentity(SlotId Id, int SlotsOfSilo, Provenance Worker);

/// <summary>Gets a slot's next cohort: the dispatcher chooses the sweep, its coordinator leases, the trials' grains admit.</summary>
internal sealed class CohortSource(
    SlotIdentity slot, KnownCohortSizes sizes, IGrainFactory grains, LeaseRenewer renewer, TimeProvider time, ILogger<CohortSource> log)
{
    /// <summary>The most trials of the slot's first cohort of a sweep, so that a user who has just started it soon sees a result.</summary>
    private const int FirstCohort = 6;

    private const int LeaseTries = 3;

    private static readonly TimeSpan AdmissionTime = TimeSpan.FromSeconds(2);

    /// <summary>A stale grain of the trial on another silo deactivates when it is first called, so admission is retried.</summary>
    private const int AdmissionTries = 3;

    /// <summary>How long a sweep that refused is not asked again: meanwhile other sweeps may have work for the slot.</summary>
    private static readonly TimeSpan HeldBackPause = TimeSpan.FromSeconds(1);

    /// <summary>The same for a sweep whose coordinator does not understand this worker; an update of either may solve it.</summary>
    private static readonly TimeSpan MisunderstoodPause = TimeSpan.FromMinutes(1);

    /// <summary>Sweeps that are not asked: since when, and for how long.</summary>
    private readonly Dictionary<string, (long Since, TimeSpan Pause)> _leftOut = [];
    private readonly HashSet<string> _misunderstood = [];
    private readonly HashSet<string> _begun = [];

    /// <param name="stopping">Stops further requests; a request already sent is still awaited, since its answer may hold a lease.</param>
    /// <returns>Null if there is nothing to train now.</returns>
    public async Task<LeasedCohort?> NextAsync(CancellationToken stopping)
    {
        foreach (var (past, _) in _leftOut.Where(sweep => time.GetElapsedTime(sweep.Value.Since) >= sweep.Value.Pause).ToList())
            _leftOut.Remove(past);
        if (await grains.Dispatcher().Next(slot.Id, slot.SlotsOfSilo, slot.Worker.Device, [.. _leftOut.Keys]) is not { } assignment)
            return null;

        var coordinator = grains.Sweep(assignment.SweepId);
        var request = Request(assignment, unknown: []);
        var (reply, sentAt) = await LeaseAsync(coordinator, request);
        if (!reply.Unsized.IsEmpty && !stopping.IsCancellationRequested)
        {
            // A configuration whose size is unknown now is tried alone this time: the next lease asks for its size again.
            request = Request(assignment, sizes.Learn(reply)) with { Lease = request.Lease };
            (reply, sentAt) = await LeaseAsync(coordinator, request);
            var repeated = KnownCohortSizes.Lacking(reply).Select(shape => shape.Key).Where(request.CohortSizes.ContainsKey).ToList();
            if (repeated.Count > 0)
                LeaveOut(assignment.SweepId, repeated);
        }
        if (reply.HeldBack)
            _leftOut[assignment.SweepId] = (time.GetTimestamp(), HeldBackPause);
        if (reply.Trials.IsEmpty)
            return null;
        _begun.Add(assignment.SweepId);

        var held = renewer.Hold(assignment.SweepId, request.Lease, slot.Id, sentAt);
        try
        {
            var admitted = await AdmitAsync(held, reply.Trials);
            if (admitted.Length < reply.Trials.Length)
                await GiveBackAsync(held, reply.Trials.Except(admitted));
            if (!admitted.IsEmpty)
                return new(held, admitted, reply.KeepModels, reply.Objective);
            renewer.Drop(held);
            return null;
        }
        catch
        {
            // A lease whose trials are not trained must expire instead of being renewed.
            renewer.Drop(held);
            throw;
        }
    }

    /// <summary>The slot no longer works under the lease: what it still holds is given back, or waits until the lease expires.</summary>
    public void Drop(HeldLease lease) => renewer.Drop(lease);

    /// <summary>Returns trials that the slot will not train to waiting.</summary>
    public Task GiveBackAsync(HeldLease lease, IEnumerable<LeasedTrial> trials) =>
        grains.Sweep(lease.SweepId).Release(lease.Id, [.. trials.Select(trial => trial.Trial)]);

    /// <param name="unknown">The keys of configurations that are tried alone.</param>
    private LeaseRequest Request(Assignment assignment, ImmutableArray<string> unknown) => new(
        Guid.NewGuid(), slot.Id, assignment.Slots,
        sizes.UpTo(_begun.Contains(assignment.SweepId) ? int.MaxValue : FirstCohort)
            .SetItems(unknown.Select(key => KeyValuePair.Create(key, 1))),
        slot.Worker);

    /// <summary>Requests a lease; if the answer is lost, the request is repeated and gets the same answer.</summary>
    private async Task<(LeaseReply Reply, long SentAt)> LeaseAsync(ISweepGrain coordinator, LeaseRequest request)
    {
        // Whichever attempt was granted, the lease began after this time.
        var sentAt = time.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return (await coordinator.Lease(request), sentAt);
            }
            catch (Exception) when (attempt < LeaseTries)
            {
                // The lease may have been granted and its answer lost: the same id gets the same cohort.
            }
        }
    }

    private void LeaveOut(string sweepId, List<string> repeated)
    {
        _leftOut[sweepId] = (time.GetTimestamp(), MisunderstoodPause);
        if (_misunderstood.Add(sweepId))
            log.LogError(
                "A slot cannot lease trials of {Sweep}: its coordinator asks again for the cohort sizes of {Keys}, which it was told. "
                + "Coordinator and worker seem to be of different versions; update both to the same one. Until then the slot trains other sweeps, and asks again each minute.",
                sweepId, string.Join(", ", repeated));
    }

    private async Task<ImmutableArray<LeasedTrial>> AdmitAsync(HeldLease lease, ImmutableArray<LeasedTrial> trials)
    {
        var admissions = await Task.WhenAll(trials.Select(async trial =>
        {
            var grain = grains.Trial(trial.Trial);
            var ticket = new Ticket(slot.Id, lease.Id, trial.Fence, trial.Attempt);
            try
            {
                for (var tries = 0; tries < AdmissionTries; tries++)
                    if (await grain.Admit(ticket).WaitAsync(AdmissionTime, time))
                        return true;
                return false;
            }
            catch (Exception)
            {
                // A silo that does not answer but is not yet declared dead may hold the grain. The store decides whose results count.
                return true;
            }
        }));
        return [.. trials.Where((_, index) => admissions[index])];
    }
}
