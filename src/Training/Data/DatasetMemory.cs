namespace DeepTrain.Cluster.Training.Data;

/// <summary>Identifies a data set in memory.</summary>
internal sealed record DatasetKey(string Name, string? Content, string? LabelColumn, string Device);

/// <summary>
/// The data sets in memory: those on loan, and on each device the most recently used others up to a number of bytes. The last used one
/// stays whatever its size, since the next cohort is likely to need it.
/// </summary>
/// <param name="idleBytes">The most bytes on one device for data sets that are not on loan, without the last used one.</param>
internal sealed class DatasetMemory(long idleBytes)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<DatasetKey, Entry> _entries = [];
    private long _returns;

    /// <summary>The shared instance of the process.</summary>
    public static DatasetMemory OfProcess { get; } = new(1L << 30);

    /// <summary>Lends a data set and reads it first if needed. Concurrent callers share one reading.</summary>
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
            // A later call may succeed, because the error tells the user what to do.
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

    /// <summary>The idle data sets on a device that exceed the limit, the least recently used ones.</summary>
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

        /// <summary>A counter that increases with each return.</summary>
        public long LastUse { get; set; }
    }
}
