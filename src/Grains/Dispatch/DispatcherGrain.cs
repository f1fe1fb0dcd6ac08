using System.Collections.Immutable;

namespace DeepTrain.Cluster.Grains;

/// <remarks>
/// All it knows is hearsay: coordinators repeat what waits and who trains for them at least as often as they are touched,
/// and slots ask again when they are free. Losing the memory costs seconds, never a trial.
/// </remarks>
[GrainType(GrainIds.DispatcherType)]
internal sealed class DispatcherGrain(TimeProvider time) : Grain, IDispatcherGrain
{
    /// <summary>A silo that has not asked for so long no longer counts, nor does a sweep that nobody has announced again.</summary>
    internal static readonly TimeSpan Forgetting = TimeSpan.FromMinutes(1);

    /// <summary>How long a slot works for a sweep before another one that waits may have it: saving and starting again must pay.</summary>
    internal static readonly TimeSpan Quantum = TimeSpan.FromSeconds(30);

    private readonly SortedDictionary<string, Waiter> _waiters = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SiloSlots> _silos = [];
    private readonly Dictionary<SlotId, Work> _work = [];
    private long _turns;

    public Task Announce(string sweepId, Offer offer)
    {
        if (offer.Waiting == 0)
            _waiters.Remove(sweepId);
        else if (_waiters.TryGetValue(sweepId, out var waiter))
            (waiter.Offer, waiter.Heard) = (offer, time.GetTimestamp());
        else
            _waiters[sweepId] = new() { Offer = offer, Heard = time.GetTimestamp() };
        return Task.CompletedTask;
    }

    public Task<Assignment?> Next(SlotId slot, int slotsOfSilo, string device, ImmutableArray<string> except)
    {
        var now = time.GetTimestamp();
        Forget(now);
        _silos[slot.Silo] = new(slotsOfSilo, device, now);
        _work.Remove(slot);

        var shares = Shares();
        // Among equals it is whose turn was longest ago: a sweep that has nothing to give after all must not be asked for ever.
        var next = _waiters
            .Where(waiter => !except.Contains(waiter.Key) && IsFor(waiter.Value.Offer, device) && MayHaveMore(waiter.Key, waiter.Value.Offer, shares))
            .OrderByDescending(waiter => waiter.Value.Offer.Priority)
            .ThenBy(waiter => shares.GetValueOrDefault(waiter.Key))
            .ThenBy(waiter => waiter.Value.Turn)
            .FirstOrDefault();
        if (next.Value is null)
            return Task.FromResult<Assignment?>(null);
        next.Value.Turn = ++_turns;
        _work[slot] = new(next.Key, Since: now, Heard: now);
        return Task.FromResult<Assignment?>(new(next.Key, SlotCount));
    }

    public Task<ImmutableHashSet<SlotId>> Share(string sweepId, int priority, string? device, ImmutableArray<SlotId> slots)
    {
        var now = time.GetTimestamp();
        foreach (var slot in slots)
        {
            // What an earlier activation sent there this one has not heard of.
            _work[slot] = (_work.TryGetValue(slot, out var known) ? known : new(sweepId, Since: now, now)) with { Heard = now };
            _silos[slot.Silo] = _silos.TryGetValue(slot.Silo, out var silo) ? silo with { Heard = now } : new(slot.Number + 1, device, now);
        }
        Forget(now);
        foreach (var (slot, work) in _work.Where(each => each.Value.PromisedTo is { } other && !_waiters.ContainsKey(other)).ToList())
            _work[slot] = work with { PromisedTo = null };
        PromiseOne(sweepId, priority, now);
        return Task.FromResult(_work
            .Where(each => each.Value.Sweep == sweepId && each.Value.PromisedTo is not null)
            .Select(each => each.Key).ToImmutableHashSet());
    }

    private int SlotCount => _silos.Values.Sum(silo => silo.Count);

    /// <summary>
    /// Takes a slot of a sweep for another one that waits in vain: one of a higher priority, or one with so many fewer slots that
    /// the difference shrinks; where one has none at all they take turns.
    /// </summary>
    private void PromiseOne(string sweepId, int priority, long now)
    {
        var ripe = _work
            .Where(work => work.Value.Sweep == sweepId && work.Value.PromisedTo is null && time.GetElapsedTime(work.Value.Since, now) >= Quantum)
            .OrderBy(work => work.Value.Since)
            .ToList();
        if (ripe.Count == 0)
            return;
        var device = DeviceOf(ripe[0].Key);
        // A slot of the kind that is free takes what waits by itself.
        if (_work.Keys.Count(slot => DeviceOf(slot) == device) < _silos.Values.Where(silo => silo.Device == device).Sum(silo => silo.Count))
            return;
        var shares = Shares();
        var own = shares.GetValueOrDefault(sweepId);
        var needy = _waiters
            .Where(other => other.Key != sweepId && IsFor(other.Value.Offer, device) && MayHaveMore(other.Key, other.Value.Offer, shares) && IsNeedier(other))
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

    /// <summary>By sweep, how many slots work for it, or will when they are free.</summary>
    private Dictionary<string, int> Shares() => _work.Values.CountBy(work => work.PromisedTo ?? work.Sweep).ToDictionary();

    /// <summary>The kind of device that a slot is of; null: nobody has said.</summary>
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

    /// <summary>A sweep that says that trials of it wait.</summary>
    private sealed class Waiter
    {
        public required Offer Offer { get; set; }

        public long Heard { get; set; }

        /// <summary>When a slot was last sent to it, counted in such sendings.</summary>
        public long Turn { get; set; }
    }

    private readonly record struct SiloSlots(int Count, string? Device, long Heard);

    /// <summary>What a slot works for.</summary>
    /// <param name="PromisedTo">The sweep that shall have the slot next; null: nobody waits for it.</param>
    private sealed record Work(string Sweep, long Since, long Heard, string? PromisedTo = null);
}
