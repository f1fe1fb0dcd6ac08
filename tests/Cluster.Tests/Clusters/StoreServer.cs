using System.Data.Common;
using Npgsql;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>A cluster's database, asked past every silo.</summary>
internal sealed class StoreServer(string connectionString) : StoredSweeps
{
    /// <summary>The leases of a sweep that hold trials without an outcome now.</summary>
    public IReadOnlyList<OpenLease> OpenLeases(string sweep) => Query("""
        SELECT l.id, l.silo, l.expires, count(*), max(t.fence)
        FROM sweeps s JOIN trials t ON t.sweep = s.key JOIN leases l ON l.key = t.lease
        WHERE s.id = @sweep AND t.outcome IS NULL
        GROUP BY l.key, l.id, l.silo, l.expires, l.granted ORDER BY l.granted
        """, sweep,
        row => new OpenLease(
            Text(row, 0)!, row.GetString(1), row.IsDBNull(2) ? DateTimeOffset.MinValue : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(2)),
            (int)row.GetInt64(3), row.GetInt64(4)));

    /// <summary>How many leases a sweep ever had.</summary>
    public int Leases(string sweep) => Count("SELECT count(*) FROM leases l JOIN sweeps s ON s.key = l.sweep WHERE s.id = @sweep", sweep);

    /// <summary>The fence that a sweep's coordinator writes under.</summary>
    public long CoordinatorFence(string sweep) =>
        Query("SELECT fence FROM sweeps WHERE id = @sweep", sweep, row => row.GetInt64(0)).SingleOrDefault();

    /// <summary>Every trial that has an outcome, with the fence under which that was accepted.</summary>
    public IReadOnlyList<(string Trial, long Fence)> AcceptedUnder(string sweep) => Query("""
        SELECT t.key, t.fence FROM trials t JOIN sweeps s ON s.key = t.sweep WHERE s.id = @sweep AND t.outcome IS NOT NULL
        """, sweep, row => (Text(row, 0)!, row.GetInt64(1)));

    /// <summary>Rows that grow whenever anything becomes durable: epochs and outcomes.</summary>
    public (int Epochs, int Ended) Progress(string sweep) => Query("""
        SELECT (SELECT count(*) FROM epochs e JOIN trials t ON t.key = e.trial JOIN sweeps s ON s.key = t.sweep WHERE s.id = @sweep),
               (SELECT count(*) FROM trials t JOIN sweeps s ON s.key = t.sweep WHERE s.id = @sweep AND t.outcome IS NOT NULL)
        """, sweep, row => ((int)row.GetInt64(0), (int)row.GetInt64(1))).SingleOrDefault();

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
/// <param name="Fence">The highest fence among its trials.</param>
internal sealed record OpenLease(string Id, string Silo, DateTimeOffset Expires, int Trials, long Fence);
