using System.Globalization;

namespace DeepTrain.Cluster.Silo.Tests;

/// <summary>A table of members that keeps Orleans' rules of versions, and answers late, so that its users overtake each other.</summary>
internal sealed class MemoryTable(int version, IEnumerable<MembershipEntry> members) : IMembershipTable
{
    private readonly Lock _lock = new();
    private Dictionary<SiloAddress, MembershipEntry> _rows = members.ToDictionary(member => member.SiloAddress);

    public int Version { get; private set; } = version;

    /// <summary>Null: there is no such row.</summary>
    public SiloStatus? StatusOf(MembershipEntry member)
    {
        lock (_lock)
            return _rows.TryGetValue(member.SiloAddress, out var row) ? row.Status : null;
    }

    /// <summary>Comes back as it was at another time.</summary>
    public void Become(int version, IEnumerable<MembershipEntry> members)
    {
        lock (_lock)
            (Version, _rows) = (version, members.ToDictionary(member => member.SiloAddress));
    }

    public Task InitializeMembershipTable(bool tryInitTableVersion) => Task.CompletedTask;

    public async Task<MembershipTableData> ReadAll()
    {
        await Task.Yield();
        lock (_lock)
        {
            var etag = Version.ToString(CultureInfo.InvariantCulture);
            return new([.. _rows.Values.Select(row => Tuple.Create(row, etag))], new TableVersion(Version, etag));
        }
    }

    public async Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion)
    {
        await Task.Yield();
        lock (_lock)
            return tableVersion.Version == Version + 1 && _rows.TryAdd(entry.SiloAddress, entry) && Raise();
    }

    public async Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion)
    {
        await Task.Yield();
        lock (_lock)
        {
            if (tableVersion.Version != Version + 1 || !_rows.ContainsKey(entry.SiloAddress))
                return false;
            _rows[entry.SiloAddress] = entry;
            return Raise();
        }
    }

    public Task<MembershipTableData> ReadRow(SiloAddress key) => throw new NotSupportedException();

    public Task UpdateIAmAlive(MembershipEntry entry) => throw new NotSupportedException();

    public Task DeleteMembershipTableEntries(string clusterId) => throw new NotSupportedException();

    public Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate) => throw new NotSupportedException();

    private bool Raise()
    {
        Version++;
        return true;
    }
}
