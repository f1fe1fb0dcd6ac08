using System.Collections.Immutable;
using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Silo;

/// <summary>Trials that a slot has leased and that their grains have admitted.</summary>
/// <param name="KeepModels">Whether the models of those that complete are kept.</param>
/// <param name="Objective">What those that complete are compared by.</param>
internal sealed record LeasedCohort(HeldLease Lease, ImmutableArray<LeasedTrial> Trials, bool KeepModels, Metric? Objective);

/// <summary>Gets one slot its next cohort: asks the dispatcher which sweep, its coordinator for a lease, and the trials to come aboard.</summary>
internal sealed class CohortSource(
    SlotId slot, int slotsOfSilo, Provenance worker, ITrainer trainer, IGrainFactory grains, LeaseRenewer renewer, LeaseTimes times, TimeProvider time)
{
    /// <summary>The most trials of the slot's first cohort of a sweep: a person who has just started it wants to see a result soon.</summary>
    private const int FirstCohort = 6;

    private static readonly TimeSpan AdmissionTime = TimeSpan.FromSeconds(2);

    /// <summary>A trial's grain that is left over on another silo makes room when it is first asked.</summary>
    private const int AdmissionTries = 3;

    /// <summary>A sweep that has held back is not asked again for so long: meanwhile others may have work for the slot.</summary>
    private static readonly TimeSpan HeldBackPause = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, int> _cohortSizes = [];
    private readonly Dictionary<string, long> _heldBack = [];
    private readonly HashSet<string> _begun = [];

    /// <summary>Null: there is nothing to train now.</summary>
    public async Task<LeasedCohort?> NextAsync()
    {
        foreach (var (past, _) in _heldBack.Where(sweep => time.GetElapsedTime(sweep.Value) >= HeldBackPause).ToList())
            _heldBack.Remove(past);
        if (await grains.Dispatcher().Next(slot, slotsOfSilo, worker.Device, [.. _heldBack.Keys]) is not { } assignment)
            return null;

        var coordinator = grains.Sweep(assignment.SweepId);
        var lease = Guid.NewGuid();
        // Those are tried alone this time: the next lease asks anew how many go together.
        var unknown = new List<string>();
        var (reply, sentAt) = await RequestAsync(coordinator, lease, assignment, unknown);
        while (reply.Unsized.Length > 0)
        {
            foreach (var configuration in reply.Unsized.Select(Configuration.Parse))
                if (trainer.CohortSize(configuration) is { } size)
                    _cohortSizes[configuration.FusionKey] = size;
                else
                    unknown.Add(configuration.FusionKey);
            (reply, sentAt) = await RequestAsync(coordinator, lease, assignment, unknown);
        }
        if (reply.HeldBack)
            _heldBack[assignment.SweepId] = time.GetTimestamp();
        if (reply.Trials.IsEmpty)
            return null;
        _begun.Add(assignment.SweepId);

        var held = new HeldLease(assignment.SweepId, lease, slot, sentAt, times.WorkerDeadline, time);
        renewer.Hold(held);
        try
        {
            var admitted = await AdmitAsync(held, reply.Trials);
            if (admitted.Length < reply.Trials.Length)
                await coordinator.Release(lease, [.. reply.Trials.Except(admitted).Select(trial => trial.Trial)]);
            if (!admitted.IsEmpty)
                return new(held, admitted, reply.KeepModels, reply.Objective);
            renewer.Drop(held);
            return null;
        }
        catch
        {
            // A lease that nobody trains must run out, not be renewed.
            renewer.Drop(held);
            throw;
        }
    }

    /// <summary>More trials than this do not fit into memory together.</summary>
    public void Limit(Configuration configuration, int size) => _cohortSizes[configuration.FusionKey] = size;

    private async Task<(LeaseReply Reply, long SentAt)> RequestAsync(
        ISweepGrain coordinator, Guid lease, Assignment assignment, List<string> unknown)
    {
        var most = _begun.Contains(assignment.SweepId) ? int.MaxValue : FirstCohort;
        var sizes = _cohortSizes.ToImmutableDictionary(size => size.Key, size => Math.Min(size.Value, most))
            .SetItems(unknown.Select(key => KeyValuePair.Create(key, 1)));
        var request = new LeaseRequest(lease, slot, assignment.Slots, sizes, worker);
        // Whichever attempt was granted, the lease began after this.
        var sentAt = time.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return (await coordinator.Lease(request), sentAt);
            }
            catch (Exception) when (attempt < 3)
            {
                // The lease may have been granted and its answer lost: the same id gets the same cohort.
            }
        }
    }

    private async Task<ImmutableArray<LeasedTrial>> AdmitAsync(HeldLease lease, ImmutableArray<LeasedTrial> trials)
    {
        var admissions = await Task.WhenAll(trials.Select(async trial =>
        {
            var grain = grains.Trial(trial.Trial);
            var ticket = new Ticket(slot, lease.Id, trial.Fence, trial.Attempt);
            try
            {
                for (var tries = 0; tries < AdmissionTries; tries++)
                    if (await grain.Admit(ticket).WaitAsync(AdmissionTime, time))
                        return true;
                return false;
            }
            catch (Exception)
            {
                // A silo that is silent, and not yet known as dead, may hold the grain's place. The store decides whose results count.
                return true;
            }
        }));
        return [.. trials.Where((_, index) => admissions[index])];
    }
}
