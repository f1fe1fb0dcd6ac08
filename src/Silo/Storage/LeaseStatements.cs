using System.Collections.Immutable;
using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Silo;

/// <summary>Who may train what, and until when: each method is the body of one transaction.</summary>
/// <remarks>
/// A lease that was once granted never takes another trial, so a trial's lease names whoever may train it, or nobody. The row stays
/// when the lease holds nothing any more: a request that is repeated late finds it, and is granted nothing.
/// </remarks>
internal static class LeaseStatements
{
    /// <summary>
    /// The trials that may be granted: those that wait, by their index, merged in order with those of leases that are over, of which
    /// there are few. <c>@now</c> is NULL where those may not be taken.
    /// </summary>
    public const string NextHead = $"""
        SELECT replicate, position, fusion_key FROM trials
        WHERE sweep = @sweep AND {SweepContext.Waiting}
        UNION ALL
        SELECT t.replicate, t.position, t.fusion_key FROM leases l CROSS JOIN trials t
        WHERE l.sweep = @sweep AND l.expires <= @now AND t.lease = l.key AND t.active = 1
        ORDER BY 1, 2
        """;

    public const string NextMembers = $"""
        SELECT replicate, position, key FROM trials
        WHERE sweep = @sweep AND fusion_key = @fusionKey AND replicate <= @last AND {SweepContext.Waiting}
        UNION ALL
        SELECT t.replicate, t.position, t.key FROM leases l CROSS JOIN trials t
        WHERE l.sweep = @sweep AND l.expires <= @now AND t.lease = l.key AND t.active = 1
          AND t.fusion_key = @fusionKey AND t.replicate <= @last
        ORDER BY 1, 2
        LIMIT @limit
        """;

    public static ImmutableArray<LeasedTrial> Grant(
        SqliteSession session, Coordinator coordinator, GrantRequest request, DateTimeOffset now)
    {
        var sweep = SweepStatements.Admit(session, coordinator);
        var lease = Find(session, sweep, request.Lease) ?? Take(session, sweep, request, now);
        return lease is null ? [] : [.. session.Query("""
            SELECT c.id, t.replicate, t.fence, t.attempt, c.configuration, t.checkpoint, t.checkpoint_epoch
            FROM trials t JOIN cells c ON c.key = t.cell
            WHERE t.lease = @lease ORDER BY t.replicate, t.position
            """,
            row => new LeasedTrial(new(coordinator.SweepId, row.GetString(0), row.GetInt32(1)),
                row.GetInt64(2), row.GetInt32(3), row.GetString(4), row.IsDBNull(5) ? null : row.GetString(5),
                row.IsDBNull(6) ? 0 : row.GetInt32(6)),
            ("@lease", lease))];
    }

    public static ImmutableHashSet<Guid> Renew(
        SqliteSession session, Coordinator coordinator, IReadOnlyCollection<Guid> leases, TimeSpan leaseTime, DateTimeOffset now)
    {
        var sweep = SweepStatements.Admit(session, coordinator);
        return [.. leases.Where(lease => session.Execute("""
            UPDATE leases SET expires = @expires
            WHERE sweep = @sweep AND id = @id AND EXISTS (SELECT 1 FROM trials WHERE lease = leases.key)
            """,
            ("@sweep", sweep), ("@id", $"{lease}"), ("@expires", (now + leaseTime).ToUnixTimeMilliseconds())) > 0)];
    }

    public static int Release(SqliteSession session, Coordinator coordinator, Guid lease, IReadOnlyCollection<TrialId>? trials)
    {
        var sweep = SweepStatements.Admit(session, coordinator);
        if (Find(session, sweep, lease) is not { } key)
            return 0;
        return trials is null
            ? session.Execute("UPDATE trials SET lease = NULL WHERE lease = @lease", ("@lease", key))
            : trials.Where(trial => trial.Sweep == coordinator.SweepId).Sum(trial => session.Execute("""
                UPDATE trials SET lease = NULL
                WHERE lease = @lease AND replicate = @replicate
                  AND cell = (SELECT key FROM cells WHERE sweep = @sweep AND id = @cell)
                """,
                ("@lease", key), ("@sweep", sweep), ("@cell", trial.Cell), ("@replicate", trial.Replicate)));
    }

    public static int ReleaseSilo(SqliteSession session, string silo) => session.Execute("""
        UPDATE trials SET lease = NULL
        WHERE lease IS NOT NULL AND EXISTS (SELECT 1 FROM leases l WHERE l.key = trials.lease AND l.silo = @silo)
        """, ("@silo", silo));

    public static int ReleaseAll(SqliteSession session) =>
        session.Execute("UPDATE trials SET lease = NULL WHERE lease IS NOT NULL");

    private static long? Find(SqliteSession session, long sweep, Guid lease) =>
        session.First("SELECT key FROM leases WHERE sweep = @sweep AND id = @id", row => row.GetInt64(0),
            ("@sweep", sweep), ("@id", $"{lease}"));

    /// <summary>The new lease, or null if there is no trial for it: then it leaves no trace.</summary>
    private static long? Take(SqliteSession session, long sweep, GrantRequest request, DateTimeOffset now)
    {
        var milliseconds = now.ToUnixTimeMilliseconds();
        var overdue = request.TakeExpired ? milliseconds : (long?)null;
        // Leases that ended in good order are never looked at again.
        session.Execute("""
            UPDATE leases SET expires = NULL
            WHERE sweep = @sweep AND expires <= @now AND NOT EXISTS (SELECT 1 FROM trials WHERE lease = leases.key)
            """, ("@sweep", sweep), ("@now", overdue));
        var head = session
            .Query(NextHead, row => (Replicate: row.GetInt32(0), FusionKey: row.GetString(2)), ("@sweep", sweep), ("@now", overdue))
            .Where(trial => request.Limits.TryGetValue(trial.FusionKey, out var limit) && limit.Trials > 0)
            .Select(trial => ((int Replicate, string FusionKey)?)trial)
            .FirstOrDefault();
        if (head is not var (replicate, fusionKey))
            return null;
        var (limit, acrossReplicates) = request.Limits[fusionKey];
        var members = session
            .Query(NextMembers, row => row.GetInt64(2), ("@sweep", sweep), ("@now", overdue), ("@fusionKey", fusionKey),
                ("@last", acrossReplicates ? int.MaxValue : replicate), ("@limit", limit))
            .ToList();
        var lease = session.First("""
            INSERT INTO leases (sweep, id, silo, slot, granted, expires) VALUES (@sweep, @id, @silo, @slot, @now, @expires)
            RETURNING key
            """, row => row.GetInt64(0),
            ("@sweep", sweep), ("@id", $"{request.Lease}"), ("@silo", request.Silo), ("@slot", request.Slot),
            ("@now", milliseconds), ("@expires", (now + request.LeaseTime).ToUnixTimeMilliseconds()))!.Value;
        var provenance = Remember(session, request.Worker);
        foreach (var trial in members)
            session.Execute("""
                UPDATE trials SET lease = @lease, provenance = @provenance, fence = fence + 1, attempt = attempt + 1 WHERE key = @key
                """,
                ("@key", trial), ("@lease", lease), ("@provenance", provenance));
        return lease;
    }

    private static long Remember(SqliteSession session, Provenance worker)
    {
        (string, object?)[] values =
        [
            ("@code", worker.CodeVersion), ("@libtorch", worker.Libtorch), ("@cpu", worker.CpuCapability), ("@device", worker.Device),
        ];
        session.Execute("""
            INSERT INTO provenances (code_version, libtorch, cpu_capability, device) VALUES (@code, @libtorch, @cpu, @device)
            ON CONFLICT DO NOTHING
            """, values);
        return session.First("""
            SELECT key FROM provenances
            WHERE code_version = @code AND libtorch = @libtorch AND cpu_capability = @cpu AND device = @device
            """, row => row.GetInt64(0), values)!.Value;
    }
}
