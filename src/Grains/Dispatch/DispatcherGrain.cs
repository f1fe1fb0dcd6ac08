namespace DeepTrain.Cluster.Grains;

/// <remarks>
/// All it knows is hearsay: coordinators repeat what waits at least as often as they are touched by the keeper, and slots ask again when
/// they are free. Losing the memory costs seconds, never a trial.
/// </remarks>
internal sealed class DispatcherGrain(TimeProvider time) : Grain, IDispatcherGrain
{
    /// <summary>A silo that has not asked for so long no longer counts, nor does a sweep that nobody has announced again.</summary>
    internal static readonly TimeSpan Forgetting = TimeSpan.FromMinutes(1);

    private readonly SortedDictionary<string, Offer> _offers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SiloSlots> _silos = [];
    private long _turns;

    public Task Announce(string sweepId, int waiting)
    {
        if (waiting == 0)
            _offers.Remove(sweepId);
        else if (_offers.TryGetValue(sweepId, out var offer))
            offer.Heard = time.GetTimestamp();
        else
            _offers[sweepId] = new() { Heard = time.GetTimestamp() };
        return Task.CompletedTask;
    }

    public Task<Assignment?> Next(SlotId slot, int slotsOfSilo)
    {
        var now = time.GetTimestamp();
        Forget(now);
        var silo = Hear(slot.Silo, slotsOfSilo, now);
        silo.WorkingFor.Remove(slot.Number);

        if (_offers.Count == 0)
            return Task.FromResult<Assignment?>(null);
        var shares = _silos.Values.SelectMany(each => each.WorkingFor.Values).CountBy(sweep => sweep).ToDictionary();
        // Among equals it is whose turn was longest ago: a sweep that has nothing to give after all must not be asked for ever.
        var (next, offer) = _offers.MinBy(each => (shares.GetValueOrDefault(each.Key), each.Value.Turn));
        offer.Turn = ++_turns;
        silo.WorkingFor[slot.Number] = next;
        return Task.FromResult<Assignment?>(new(next, _silos.Values.Sum(each => each.Count)));
    }

    private void Forget(long now)
    {
        foreach (var (gone, _) in _silos.Where(each => time.GetElapsedTime(each.Value.Heard, now) > Forgetting).ToList())
            _silos.Remove(gone);
        foreach (var (gone, _) in _offers.Where(each => time.GetElapsedTime(each.Value.Heard, now) > Forgetting).ToList())
            _offers.Remove(gone);
    }

    private SiloSlots Hear(string name, int slots, long now)
    {
        if (!_silos.TryGetValue(name, out var silo))
            _silos[name] = silo = new();
        silo.Count = slots;
        silo.Heard = now;
        return silo;
    }

    /// <summary>A sweep that says that trials of it wait.</summary>
    private sealed class Offer
    {
        public long Heard { get; set; }

        /// <summary>When a slot was last sent to it, counted in such sendings.</summary>
        public long Turn { get; set; }
    }

    private sealed class SiloSlots
    {
        public int Count { get; set; }

        public long Heard { get; set; }

        /// <summary>Slot number to the sweep it was last sent to.</summary>
        public Dictionary<int, string> WorkingFor { get; } = [];
    }
}
