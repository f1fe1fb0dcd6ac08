namespace DeepTrain.Cluster.Grains;

/// <remarks>
/// All it knows is hearsay: coordinators repeat what waits at least as often as they are touched by the keeper, and slots ask again when
/// they are free. Losing the memory costs seconds, never a trial.
/// </remarks>
internal sealed class DispatcherGrain(TimeProvider time) : Grain, IDispatcherGrain
{
    /// <summary>A silo that has not asked for so long no longer counts.</summary>
    internal static readonly TimeSpan Forgetting = TimeSpan.FromMinutes(1);

    private readonly SortedDictionary<string, int> _waiting = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SiloSlots> _silos = [];

    public Task Announce(string sweepId, int waiting)
    {
        if (waiting > 0)
            _waiting[sweepId] = waiting;
        else
            _waiting.Remove(sweepId);
        return Task.CompletedTask;
    }

    public Task<Assignment?> Next(SlotId slot, int slotsOfSilo)
    {
        var now = time.GetTimestamp();
        var silo = Hear(slot.Silo, slotsOfSilo, now);
        silo.WorkingFor.Remove(slot.Number);

        if (_waiting.Count == 0)
            return Task.FromResult<Assignment?>(null);
        var shares = _silos.Values.SelectMany(each => each.WorkingFor.Values).CountBy(sweep => sweep).ToDictionary();
        var next = _waiting.Keys.MinBy(sweep => shares.GetValueOrDefault(sweep))!;
        silo.WorkingFor[slot.Number] = next;
        return Task.FromResult<Assignment?>(new(next, _silos.Values.Sum(each => each.Count)));
    }

    private SiloSlots Hear(string name, int slots, long now)
    {
        foreach (var (gone, _) in _silos.Where(each => time.GetElapsedTime(each.Value.Heard, now) > Forgetting).ToList())
            _silos.Remove(gone);
        if (!_silos.TryGetValue(name, out var silo))
            _silos[name] = silo = new();
        silo.Count = slots;
        silo.Heard = now;
        return silo;
    }

    private sealed class SiloSlots
    {
        public int Count { get; set; }

        public long Heard { get; set; }

        /// <summary>Slot number to the sweep it was last sent to.</summary>
        public Dictionary<int, string> WorkingFor { get; } = [];
    }
}
