using System.Collections.Immutable;

namespace DeepTrain.Cluster.Grains.Dispatch;

/// <remarks>
/// Its state is only in memory: coordinators repeat which trials wait and which slots train for them at least as often as they are
/// touched, and free slots ask again. Losing the memory costs seconds, never a trial.
/// </remarks>
[GrainType(DispatcherGrains.Type)]
internal sealed class DispatcherGrain(TimeProvider time) : Grain, IDispatcherGrain
{
    /// <summary>A silo that has not asked for this long no longer counts, nor does a sweep that was not announced again.</summary>
    internal static readonly TimeSpan Forgetting = TimeSpan.FromMinutes(1);

    /// <summary>How long a slot works for a sweep before a waiting sweep may take it, so that saving and restarting pays off.</summary>
    internal static readonly TimeSpan Quantum = TimeSpan.FromSeconds(30);

    private readonly SortedDictionary<string, Waiter> _waiters = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SiloSlots> _silos = [];
    private readonly Dictionary<SlotId, Work> _work = [];
    private long _turns;

    public Task Announce(string sweepId, Offer offer)
    {
        if (offer.Waiting == 0)
        {
            _waiters.Remove(sweepId);
            return Task.CompletedTask;
        }
        var now = time.GetTimestamp();
        if (!_waiters.TryGetValue(sweepId, out var waiter))
            _waiters[sweepId] = waiter = new() { Offer = offer };
        (waiter.Offer, waiter.Heard) = (offer, now);
        waiter.NeedsEmptySiloSince = offer.NeedsEmptySilo ? waiter.NeedsEmptySiloSince ?? now : null;
        return Task.CompletedTask;
    }

    public Task<Assignment?> Next(SlotId slot, int slotsOfSilo, string device, ImmutableArray<string> except)
    {
        var now = time.GetTimestamp();
        Forget(now);
        _silos[slot.Silo] = new(slotsOfSilo, device, now);
        _work.Remove(slot);
        EmptySilos(now);

        var shares = Shares();
        var isEmpty = !_work.Keys.Any(other => other.Silo == slot.Silo);
        var emptiedFor = EmptiedFor(slot.Silo);
        // Of equals, the sweep served longest ago is next, so that one with nothing to lease is not asked forever.
        var next = _waiters
            .Where(waiter => !except.Contains(waiter.Key) && IsFor(waiter.Value.Offer, device) && MayHaveMore(waiter.Key, waiter.Value.Offer, shares)
                && (isEmpty || !waiter.Value.Offer.NeedsEmptySilo)
                && (emptiedFor is null || waiter.Value == emptiedFor || waiter.Value.Offer.Priority > emptiedFor.Offer.Priority))
            .OrderByDescending(waiter => waiter.Value.Offer.Priority)
            .ThenBy(waiter => shares.GetValueOrDefault(waiter.Key))
            .ThenBy(waiter => waiter.Value.Turn)
            .FirstOrDefault();
        if (next.Value is null)
            return Task.FromResult<Assignment?>(null);
        next.Value.Turn = ++_turns;
        _work[slot] = new(next.Key, next.Value.Offer.Priority, Since: now, Heard: now);
        return Task.FromResult<Assignment?>(new(next.Key, SlotCount));
    }

    public Task<ImmutableHashSet<SlotId>> Share(string sweepId, int priority, string? device, ImmutableArray<SlotId> slots)
    {
        var now = time.GetTimestamp();
        foreach (var slot in slots)
        {
            // An earlier activation may have assigned the slot without this one knowing.
            _work[slot] = (_work.TryGetValue(slot, out var known) ? known : new(sweepId, priority, Since: now, now)) with { Heard = now, Priority = priority };
            // The slots of a silo are counted from 0, so the highest number gives the least number of slots.
            _silos[slot.Silo] = _silos.TryGetValue(slot.Silo, out var silo)
                ? silo with { Count = Math.Max(silo.Count, slot.Number + 1), Heard = now }
                : new(slot.Number + 1, device, now);
        }
        Forget(now);
        EmptySilos(now);
        foreach (var (slot, work) in _work.Where(each => each.Value.PromisedTo is { } other && !_waiters.ContainsKey(other)).ToList())
            _work[slot] = work with { PromisedTo = null };
        PromiseOne(sweepId, priority, now);
        return Task.FromResult(_work
            .Where(each => each.Value.Sweep == sweepId && (each.Value.PromisedTo is not null || IsInTheWay(each.Key, each.Value, now)))
            .Select(each => each.Key).ToImmutableHashSet());
    }

    /// <summary>
    /// Chooses a silo for each sweep that has waited long enough for an empty one; other sweeps would keep all silos busy forever. Until
    /// then its slots get no other work, except for sweeps of a higher priority.
    /// </summary>
    private void EmptySilos(long now)
    {
        var shares = Shares();
        foreach (var (sweepId, waiter) in _waiters)
        {
            if (waiter.NeedsEmptySiloSince is not { } since || time.GetElapsedTime(since, now) < Quantum || !MayHaveMore(sweepId, waiter.Offer, shares))
                waiter.Silo = null;
            else if (waiter.Silo is null || !_silos.ContainsKey(waiter.Silo))
                waiter.Silo = _silos
                    .Where(silo => IsFor(waiter.Offer, silo.Value.Device) && EmptiedFor(silo.Key) is null)
                    .Select(silo => (silo.Key, Work: _work.Where(work => work.Key.Silo == silo.Key).Select(work => work.Value).ToList()))
                    // Its own slots and those of sweeps with a higher priority cannot be taken: other slots would stay idle until these are free.
                    .Where(silo => silo.Work.TrueForAll(work => work.Sweep != sweepId && work.Priority <= waiter.Offer.Priority))
                    .OrderBy(silo => silo.Work.Count).ThenBy(silo => silo.Key, StringComparer.Ordinal)
                    .Select(silo => silo.Key).FirstOrDefault();
        }
    }

    /// <summary>The sweep that a silo is emptied for; null if there is none.</summary>
    private Waiter? EmptiedFor(string silo) => _waiters.Values.FirstOrDefault(waiter => waiter.Silo == silo);

    /// <summary>Whether a slot should end its work so that its silo becomes empty.</summary>
    private bool IsInTheWay(SlotId slot, Work work, long now) =>
        EmptiedFor(slot.Silo) is { } waiter && waiter != _waiters.GetValueOrDefault(work.Sweep) && waiter.Offer.Priority >= work.Priority
        && time.GetElapsedTime(work.Since, now) >= Quantum;

    private int SlotCount => _silos.Values.Sum(silo => silo.Count);

    /// <summary>
    /// Takes a slot of a sweep for a waiting one: one of a higher priority, or one with so many fewer slots that the difference shrinks;
    /// if the waiting sweep has no slot at all, the two take turns.
    /// </summary>
    private void PromiseOne(string sweepId, int priority, long now)
    {
        var ripe = _work
            .Where(work => work.Value.Sweep == sweepId && work.Value.PromisedTo is null && EmptiedFor(work.Key.Silo) is null
                && time.GetElapsedTime(work.Value.Since, now) >= Quantum)
            .OrderBy(work => work.Value.Since)
            .ToList();
        if (ripe.Count == 0)
            return;
        var device = DeviceOf(ripe[0].Key);
        // A free slot of this kind takes waiting trials without help.
        var others = _silos.Where(silo => silo.Value.Device == device && EmptiedFor(silo.Key) is null).ToDictionary();
        if (_work.Keys.Count(slot => others.ContainsKey(slot.Silo)) < others.Values.Sum(silo => silo.Count))
            return;
        var shares = Shares();
        var own = shares.GetValueOrDefault(sweepId);
        var needy = _waiters
            .Where(other => other.Key != sweepId && !other.Value.Offer.NeedsEmptySilo && IsFor(other.Value.Offer, device)
                && MayHaveMore(other.Key, other.Value.Offer, shares) && IsNeedier(other))
            .OrderByDescending(other => other.Value.Offer.Priority)
            .ThenBy(other => shares.GetValueOrDefault(other.Key))
            .FirstOrDefault();
        if (needy.Value is not null)
            _work[ripe[0].Key] = ripe[0].Value with { PromisedTo = needy.Key };

        bool IsNeedier(KeyValuePair<string, Waiter> other) =>
            other.Value.Offer.Priority > priority
            || (other.Value.Offer.Priority == priority
                && shares.GetValueOrDefault(other.Key) is var theirs && (theirs == 0 || own - theirs >= 2));
    }

    /// <summary>By sweep, how many slots work for it or are promised to it.</summary>
    private Dictionary<string, int> Shares() => _work.Values.CountBy(work => work.PromisedTo ?? work.Sweep).ToDictionary();

    /// <summary>The kind of device of a slot; null if unknown.</summary>
    private string? DeviceOf(SlotId slot) => _silos.GetValueOrDefault(slot.Silo).Device;

    private static bool IsFor(Offer offer, string? device) => offer.Device is null || offer.Device == device;

    private static bool MayHaveMore(string sweepId, Offer offer, Dictionary<string, int> shares) =>
        offer.MaxSlots is not { } most || shares.GetValueOrDefault(sweepId) < most;

    private void Forget(long now)
    {
        foreach (var (gone, _) in _silos.Where(each => time.GetElapsedTime(each.Value.Heard, now) > Forgetting).ToList())
            _silos.Remove(gone);
        foreach (var (gone, _) in _waiters.Where(each => time.GetElapsedTime(each.Value.Heard, now) > Forgetting).ToList())
            _waiters.Remove(gone);
        foreach (var (gone, _) in _work.Where(each => time.GetElapsedTime(each.Value.Heard, now) > Forgetting).ToList())
            _work.Remove(gone);
    }

    /// <summary>A sweep with waiting trials.</summary>
    private sealed class Waiter
    {
        public required Offer Offer { get; set; }

        public long Heard { get; set; }

        /// <summary>When a slot was last assigned to it, counted in assignments.</summary>
        public long Turn { get; set; }

        /// <summary>Since when it waits for an empty silo; null: it needs none.</summary>
        public long? NeedsEmptySiloSince { get; set; }

        /// <summary>The silo that is emptied for it; null if there is none.</summary>
        public string? Silo { get; set; }
    }

    private readonly record struct SiloSlots(int Count, string? Device, long Heard);

    /// <summary>What a slot works for.</summary>
    /// <param name="PromisedTo">The sweep that gets the slot next; null if there is none.</param>
    private sealed record Work(string Sweep, int Priority, long Since, long Heard, string? PromisedTo = null);
}
