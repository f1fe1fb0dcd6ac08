using System.Data.Common;
using Npgsql;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>A cluster's database, asked past every silo.</summary>
internal sealed class StoreServer(string connectionString) : StoredSweeps
{
    /// <summary>The leases of a sweep that hold trials without an outcome now.</summary>
    public IReadOnlyList<OpenLease> OpenLeases(string sweep) => Query("""
        SELECT l.silo, l.granted, l.expires, count(*)
        FROM sweeps s JOIN trials t ON t.sweep = s.key JOIN leases l ON l.key = t.lease
        WHERE s.id = @sweep AND t.outcome IS NULL
        GROUP BY l.key, l.silo, l.granted, l.expires ORDER BY l.granted
        """, sweep,
        row => new OpenLease(
            row.GetString(0), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(1)),
            row.IsDBNull(2) ? DateTimeOffset.MinValue : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(2)), (int)row.GetInt64(3)));

    /// <summary>How many leases a sweep ever had.</summary>
    public int Leases(string sweep) => Count("SELECT count(*) FROM leases l JOIN sweeps s ON s.key = l.sweep WHERE s.id = @sweep", sweep);

    /// <summary>How far each trial is, cheaper than <see cref="StoredSweeps.Trials"/>: its last epoch, and whose that is.</summary>
    public IReadOnlyList<LastEpoch> LastEpochs(string sweep) => Query("""
        SELECT e.epoch, e.fence
        FROM sweeps s JOIN trials t ON t.sweep = s.key JOIN cells c ON c.key = t.cell
        CROSS JOIN LATERAL (SELECT epoch, fence FROM epochs WHERE trial = t.key ORDER BY epoch DESC LIMIT 1) e
        WHERE s.id = @sweep ORDER BY c.position, t.replicate
        """, sweep, row => new LastEpoch(row.GetInt32(0), row.GetInt64(1)));

    /// <summary>Every epoch that is durable, and the lease that its trial is under still.</summary>
    public IReadOnlyList<DurableEpoch> DurableEpochs(string sweep) => Query("""
        SELECT e.trial, e.epoch, e.fence, e.seconds, CASE WHEN e.fence = t.fence THEN t.lease END
        FROM sweeps s JOIN trials t ON t.sweep = s.key JOIN epochs e ON e.trial = t.key WHERE s.id = @sweep
        """, sweep, row => new DurableEpoch(
            row.GetInt64(0), row.GetInt32(1), row.GetInt64(2), row.GetDouble(3), row.IsDBNull(4) ? null : row.GetInt64(4)));

    /// <summary>What a person would look at first.</summary>
    public string Explain() => string.Join(Environment.NewLine, Query("""
        SELECT s.id, s.status, s.fence, c.id, t.replicate, t.outcome, t.fence, t.attempt, t.losses, t.losses_alone, t.checkpoint_epoch, l.silo,
               l.expires - (extract(epoch FROM clock_timestamp()) * 1000)::bigint, t.failure_class,
               (SELECT max(epoch) FROM epochs e WHERE e.trial = t.key)
        FROM sweeps s JOIN trials t ON t.sweep = s.key JOIN cells c ON c.key = t.cell LEFT JOIN leases l ON l.key = t.lease
        WHERE @sweep = '' AND (t.outcome IS NULL OR t.outcome <> 'Completed') ORDER BY s.key, c.position, t.replicate LIMIT 20
        """, "",
        row => $"{Text(row, 0)} {Text(row, 1)} (fence {Text(row, 2)}) {Text(row, 3)}/r{Text(row, 4)}: {Text(row, 5) ?? "no outcome"} {Text(row, 13)}, " +
            $"fence {Text(row, 6)}, attempt {Text(row, 7)}, losses {Text(row, 8)}+{Text(row, 9)}, epoch {Text(row, 14)}, checkpoint {Text(row, 10)}, " +
            $"leased by {Text(row, 11) ?? "nobody"} for {Text(row, 12)} ms"));

    /// <summary>The fence that a sweep's coordinator writes under.</summary>
    public long CoordinatorFence(string sweep) =>
        Query("SELECT fence FROM sweeps WHERE id = @sweep", sweep, row => row.GetInt64(0)).SingleOrDefault();

    /// <summary>Every trial that has an outcome, with the fence under which that was accepted.</summary>
    public IReadOnlyList<(string Trial, long Fence)> AcceptedUnder(string sweep) => Query("""
        SELECT t.key, t.fence FROM trials t JOIN sweeps s ON s.key = t.sweep WHERE s.id = @sweep AND t.outcome IS NOT NULL
        """, sweep, row => (Text(row, 0)!, row.GetInt64(1)));

    /// <summary>How many silos ever had a lease of a sweep.</summary>
    public int SilosThatLeased(string sweep) =>
        Count("SELECT count(DISTINCT l.silo) FROM leases l JOIN sweeps s ON s.key = l.sweep WHERE s.id = @sweep", sweep);

    /// <summary>How many trials without an outcome can go on from a checkpoint.</summary>
    public int Checkpointed(string sweep) => Count("""
        SELECT count(*) FROM trials t JOIN sweeps s ON s.key = t.sweep WHERE s.id = @sweep AND t.outcome IS NULL AND t.checkpoint IS NOT NULL
        """, sweep);

    /// <summary>The files that trials can go on from.</summary>
    public IReadOnlyList<string> Checkpoints(string sweep) => Query("""
        SELECT DISTINCT t.checkpoint FROM trials t JOIN sweeps s ON s.key = t.sweep WHERE s.id = @sweep AND t.checkpoint IS NOT NULL
        """, sweep, row => row.GetString(0));

    /// <summary>How often each trial's worker was lost, as far as the failure policy counts it still.</summary>
    public IReadOnlyList<int> Losses(string sweep) => Query("""
        SELECT t.losses + t.losses_alone FROM trials t JOIN sweeps s ON s.key = t.sweep WHERE s.id = @sweep ORDER BY t.position, t.replicate
        """, sweep, row => row.GetInt32(0));

    /// <summary>Rows that grow whenever anything becomes durable: epochs and outcomes.</summary>
    public (int Epochs, int Ended) Progress(string sweep) => (EpochCount(sweep), Ended(sweep));

    /// <summary>The database's clock.</summary>
    public DateTimeOffset Now() => Query("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint WHERE @sweep = ''", "",
        row => DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(0))).SingleOrDefault();

    private int Count(string sql, string sweep) => (int)Query(sql, sweep, row => row.GetInt64(0)).SingleOrDefault();

    protected override DbConnection Connect() => new NpgsqlConnection(connectionString);

    // Undefined table; starting, stopping or recovering; or no connection at all.
    protected override bool IsNotReadyYet(DbException error) =>
        error is PostgresException { SqlState: "42P01" or "57P01" or "57P02" or "57P03" } or NpgsqlException { InnerException: IOException or System.Net.Sockets.SocketException };
}

/// <param name="Silo">The address of the silo that holds it.</param>
internal sealed record OpenLease(string Silo, DateTimeOffset Granted, DateTimeOffset Expires, int Trials);

/// <param name="Fence">That of the lease under which the epoch was trained.</param>
internal sealed record LastEpoch(int Epoch, long Fence);

/// <param name="Seconds">The trial's share of its cohort's time.</param>
/// <param name="Lease">Null: its trial is under none, or under another than the one it was trained under.</param>
internal sealed record DurableEpoch(long Trial, int Epoch, long Fence, double Seconds, long? Lease);
