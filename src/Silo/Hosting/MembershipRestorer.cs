using DeepTrain.Cluster.Silo.Monitoring;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo.Hosting;

/// <summary>Puts the cluster's members back into their table when that was lost: a Redis that was emptied, or came back as it was long ago.</summary>
/// <remarks>
/// Orleans would not. Silos ignore a table whose version is lower than the last they read, those that come later find nobody and form a second
/// cluster, and the first ends when the second's version has grown past its own.
/// </remarks>
/// <param name="version">Of the table that Orleans in this silo goes by.</param>
internal sealed class MembershipRestorer(
    IMembershipTable table, SiloAddress self, Func<long> version, ClusterMetrics metrics, TimeProvider time, ILogger<MembershipRestorer> log)
    : PeriodicService(TimeSpan.FromSeconds(5), new("The table of members in Redis cannot be looked after.", LogLevel.Warning, log, time), time)
{
    /// <summary>The last table that was whole.</summary>
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
        // Asked first: it may grow while the table is read.
        var taken = version();
        // Without its version the table cannot even be read.
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
    /// Row by row, since each write raises the version by one, until none is missing or younger than it was (a silo's states only go forward),
    /// and the version is above what this silo goes by.
    /// </summary>
    /// <remarks>All silos of a cluster may do so at once: a write that another one has forestalled is no harm, and all read again before the next.</remarks>
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
