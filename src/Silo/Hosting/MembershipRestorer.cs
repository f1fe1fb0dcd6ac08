using DeepTrain.Cluster.Silo.Monitoring;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo.Hosting;

/// <summary>Restores the cluster's membership table after its loss: when Redis was emptied, or came back with an old state.</summary>
/// <remarks>
/// Orleans would not. Silos ignore a table whose version is lower than the last they read, new silos find no members and form a second
/// cluster, and the first cluster ends when the second's version exceeds its own.
/// </remarks>
/// <param name="version">The version of the table that Orleans in this silo uses.</param>
internal sealed class MembershipRestorer(
    IMembershipTable table, SiloAddress self, Func<long> version, ClusterMetrics metrics, TimeProvider time, ILogger<MembershipRestorer> log)
    : PeriodicService(TimeSpan.FromSeconds(5), new("The table of members in Redis cannot be looked after.", LogLevel.Warning, log, time), time)
{
    /// <summary>The last complete table.</summary>
    private MembershipTableData? _known;

    protected override async Task RunAsync(CancellationToken stopping)
    {
        try
        {
            await LookAsync(stopping);
        }
        catch when (!stopping.IsCancellationRequested)
        {
            metrics.MembershipFailed();
            throw;
        }
    }

    internal async Task LookAsync(CancellationToken stopping)
    {
        // Read first: the version may grow while the table is read.
        var taken = version();
        // Without its version the table cannot be read.
        await table.InitializeMembershipTableAsync(tryInitTableVersion: true, stopping);
        var read = await table.ReadAllAsync(stopping);
        if (Find(read, self) is not null && read.Version.Version >= taken)
            _known = read;
        else if (_known is not null)
        {
            log.LogWarning("The table of members is lost: it is restored.");
            await RestoreAsync(_known, Math.Max(taken, _known.Version.Version), stopping);
        }
    }

    /// <summary>
    /// Writes row by row, since each write raises the version by one, until no row is missing or older than the known one (the states of a
    /// silo only advance) and the version exceeds the one that this silo uses.
    /// </summary>
    /// <remarks>All silos may do so at once: a write that lost a race does no harm, and each silo reads again before the next.</remarks>
    private async Task RestoreAsync(MembershipTableData known, long taken, CancellationToken stopping)
    {
        while (true)
        {
            stopping.ThrowIfCancellationRequested();
            var current = await table.ReadAllAsync(stopping);
            var next = current.Version.Next();
            var (lost, row) = known.Members.Select(member => (member.Item1, Row: Find(current, member.Item1.SiloAddress)))
                .FirstOrDefault(pair => pair.Row is null || pair.Row.Item1.Status < pair.Item1.Status);
            if (lost is not null && row is null)
                await table.InsertRowAsync(lost, next, stopping);
            else if (lost is not null)
                await table.UpdateRowAsync(lost, row!.Item2, next, stopping);
            else if (current.Version.Version <= taken && Find(current, self) is { } own)
                await table.UpdateRowAsync(own.Item1, own.Item2, next, stopping);
            else
                return;
        }
    }

    private static Tuple<MembershipEntry, string>? Find(MembershipTableData members, SiloAddress silo) =>
        members.Members.FirstOrDefault(member => member.Item1.SiloAddress.Equals(silo));
}
