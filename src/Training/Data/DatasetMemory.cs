namespace DeepTrain.Cluster.Training.Data;

/// <summary>What a data set in memory is known by.</summary>
internal sealed record DatasetKey(string Name, string? Content, string? LabelColumn, string Device);

/// <summary>
/// The data sets in memory: those on loan, and on each device the last used ones of the others, up to a number of bytes. The very last one
/// stays whatever its size, since the next cohort is likely to need it.
/// </summary>
/// <param name="idleBytes">The most that data sets which nobody has on loan may take on one device, the last used one aside.</param>
internal sealed class DatasetMemory(long idleBytes)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<DatasetKey, Entry> _entries = [];
    private long _returns;

    /// <summary>That of the process, which all its trainers share.</summary>
    public static DatasetMemory OfProcess { get; } = new(1L << 30);

    /// <summary>Lends a data set, which is read if it is not there. Several who ask at once wait for one reading.</summary>
    public Dataset Lend(DatasetKey key, Func<Dataset> read)
    {
        Entry? entry;
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out entry))
                _entries[key] = entry = new(key, new(read));
            entry.Borrowers++;
        }
        try
        {
            return entry.Dataset.Value.Lend(() => GiveBack(entry));
        }
        catch
        {
            // Whoever asks next may find it: a person has been told what to do.
            lock (_lock)
            {
                if (_entries.TryGetValue(key, out var current) && current == entry)
                    _entries.Remove(key);
            }
            throw;
        }
    }

    private void GiveBack(Entry entry)
    {
        List<Entry> evicted;
        lock (_lock)
        {
            entry.Borrowers--;
            entry.LastUse = ++_returns;
            evicted = Stale(entry.Key.Device);
            foreach (var stale in evicted)
                _entries.Remove(stale.Key);
        }
        evicted.ForEach(stale => stale.Dataset.Value.Free());
    }

    /// <summary>What is idle on a device and too much beside what was used after it.</summary>
    private List<Entry> Stale(string device)
    {
        var bytes = 0L;
        return
        [
            .. _entries.Values.Where(entry => entry.Borrowers == 0 && entry.Key.Device == device)
                .OrderByDescending(entry => entry.LastUse).Skip(1)
                .Where(entry => (bytes += entry.Dataset.Value.Bytes) > idleBytes),
        ];
    }

    private sealed class Entry(DatasetKey key, Lazy<Dataset> dataset)
    {
        public DatasetKey Key => key;

        public Lazy<Dataset> Dataset => dataset;

        public int Borrowers { get; set; }

        /// <summary>Counts up with each return.</summary>
        public long LastUse { get; set; }
    }
}
