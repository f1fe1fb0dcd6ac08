using System.Collections.Immutable;
using System.Text.Json;
using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Silo;

/// <summary>Who may train what, and until when: each method is the body of one transaction.</summary>
/// <remarks>
/// A lease that was once granted never takes another trial, so a trial's lease names whoever may train it, or nobody. The row stays
/// when the lease holds nothing any more: a request that is repeated late finds it, and is granted nothing. A lease whose
/// <c>expires</c> is NULL holds no trial.
/// </remarks>
internal static class LeaseStatements
{
    private const string Ready = "(retry_at IS NULL OR retry_at <= @now)";

    /// <summary>The first trial that may be granted, of a fusion key that the request takes.</summary>
    // What is written as an expression is looked up in no index: the order is what the index is for.
    public const string NextHead = $"""
        SELECT replicate, fusion_key FROM trials
        WHERE sweep = @sweep AND {SweepContext.Waiting} AND {Ready}
          AND fusion_key || '' IN (SELECT value FROM json_each(@fusionKeys))
        ORDER BY replicate, position LIMIT 1
        """;

    public const string NextMembers = $"""
        SELECT key FROM trials
        WHERE sweep = @sweep AND fusion_key = @fusionKey AND replicate <= @last AND {SweepContext.Waiting} AND {Ready}
        ORDER BY replicate, position LIMIT @limit
        """;

    public const string NextSuspect = $"""
        SELECT key FROM trials
        WHERE sweep = @sweep AND {SweepContext.Suspect} AND active AND lease IS NULL AND {Ready}
          AND fusion_key IN (SELECT value FROM json_each(@fusionKeys))
        ORDER BY replicate, position LIMIT 1
        """;

    /// <summary>Whether a silo trains a suspect.</summary>
    // Trials first: a lease stays open for its time, though its trials have ended, so there may be thousands.
    public const string HoldsSuspect = """
        SELECT 1 FROM trials t CROSS JOIN leases l
        WHERE t.losses >= 2 AND t.outcome IS NULL AND l.key = t.lease AND l.silo = @silo AND l.expires > @now LIMIT 1
        """;

    /// <summary>Whether a silo trains anything.</summary>
    public const string HoldsAny = """
        SELECT 1 FROM trials t CROSS JOIN leases l
        WHERE t.lease IS NOT NULL AND l.key = t.lease AND l.silo = @silo AND l.expires > @now LIMIT 1
        """;

    public static Granted Grant(SqliteSession session, Coordinator coordinator, GrantRequest request, DateTimeOffset now)
    {
        var sweep = SweepStatements.Admit(session, coordinator);
        var lost = 0;
        if (Find(session, sweep, request.Lease) is not { } lease)
        {
            var milliseconds = now.ToUnixTimeMilliseconds();
            lost = request.TakeExpired ? TakeExpired(session, sweep, milliseconds) : 0;
            if (Take(session, sweep, request, milliseconds) is not { } taken)
                return new([], lost);
            lease = taken;
        }
        return new(
            [.. session.Query("""
                SELECT c.id, t.replicate, t.fence, t.attempt, c.configuration, t.checkpoint, t.checkpoint_epoch
                FROM trials t JOIN cells c ON c.key = t.cell
                WHERE t.lease = @lease ORDER BY t.replicate, t.position
                """,
                row => new LeasedTrial(new(coordinator.SweepId, row.GetString(0), row.GetInt32(1)),
                    row.GetInt64(2), row.GetInt32(3), row.GetString(4), row.IsDBNull(5) ? null : row.GetString(5),
                    row.IsDBNull(6) ? 0 : row.GetInt32(6)),
                ("@lease", lease))],
            lost);
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

    public static ImmutableArray<string> ReleaseSilo(SqliteSession session, string silo) =>
        ReleaseWhere(session, "lease IN (SELECT key FROM leases WHERE silo = @silo)", ("@silo", silo));

    public static ImmutableArray<string> ReleaseAll(SqliteSession session) => ReleaseWhere(session, "TRUE");

    private static ImmutableArray<string> ReleaseWhere(
        SqliteSession session, string which, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        ImmutableArray<string> sweeps =
        [
            .. session.Query($"SELECT id FROM sweeps WHERE key IN (SELECT sweep FROM trials WHERE lease IS NOT NULL AND {which}) ORDER BY key",
                row => row.GetString(0), values),
        ];
        if (!sweeps.IsEmpty)
            Lose(session, which, values);
        return sweeps;
    }

    private static long? Find(SqliteSession session, long sweep, Guid lease) =>
        session.First("SELECT key FROM leases WHERE sweep = @sweep AND id = @id", row => row.GetInt64(0),
            ("@sweep", sweep), ("@id", $"{lease}"));

    /// <summary>Closes leases whose time is over, also those that ended in good order, and lets their trials wait again.</summary>
    private static int TakeExpired(SqliteSession session, long sweep, long now)
    {
        var closed = session.Query("""
            UPDATE leases SET expires = NULL WHERE sweep = @sweep AND expires <= @now
            RETURNING EXISTS (SELECT 1 FROM trials WHERE lease = leases.key)
            """, row => row.GetBoolean(0), ("@sweep", sweep), ("@now", now)).ToList();
        return closed.Contains(true)
            ? Lose(session, "sweep = @sweep AND lease IN (SELECT key FROM leases WHERE sweep = @sweep AND expires IS NULL)", ("@sweep", sweep))
            : 0;
    }

    /// <summary>
    /// Takes trials from their leases, because whoever trained them is dead or silent, and counts that: against those that it might be
    /// the fault of. Who got further than at the last loss starts counting anew, as an innocent one in a bad night may be lost often.
    /// </summary>
    private static int Lose(SqliteSession session, string which, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        var lost = session.Execute($"""
            UPDATE trials SET lease = NULL,
                losses = CASE WHEN reached.epoch > loss_epoch THEN 1 WHEN losses < 2 THEN losses + 1 ELSE losses END,
                losses_alone = CASE WHEN reached.epoch > loss_epoch THEN 0 WHEN losses < 2 THEN 0 ELSE losses_alone + 1 END,
                loss_epoch = CASE WHEN reached.epoch > loss_epoch THEN reached.epoch ELSE loss_epoch END
            FROM (SELECT key AS trial, COALESCE((SELECT MAX(epoch) FROM epochs WHERE trial = trials.key), 0) AS epoch
                  FROM trials WHERE lease IS NOT NULL AND {which}) AS reached
            WHERE trials.key = reached.trial
            """, values);
        session.Execute($"""
            UPDATE trials SET outcome = 'Failed', fence = fence + 1, failure_class = '{FailureClass.WorkerKiller}',
                failure_message = 'The worker that trained it died or fell silent ' || (losses + losses_alone) || ' times, the last '
                    || losses_alone || ' times with nothing else to train, and it never got beyond epoch ' || loss_epoch
                    || '. Look into the log of its last worker, and at its memory limit; then retry it.',
                checkpoint = NULL, checkpoint_epoch = NULL, retry_at = NULL,
                epochs = (SELECT COUNT(*) FROM epochs WHERE trial = trials.key AND epoch > 0),
                seconds = (SELECT COALESCE(SUM(seconds), 0.0) FROM epochs WHERE trial = trials.key)
            WHERE {SweepContext.Suspect} AND losses_alone >= 2
            """);
        return lost;
    }

    /// <summary>The new lease, or null if there is no trial for it: then it leaves no trace.</summary>
    private static long? Take(SqliteSession session, long sweep, GrantRequest request, long now)
    {
        var holdsSuspect = session.First(HoldsSuspect, row => row.GetInt32(0), ("@silo", request.Silo), ("@now", now));
        if (holdsSuspect is not null || IsFull(session, sweep, request))
            return null;
        var members = Next(session, sweep, request, now);
        if (members.Count == 0)
            return null;
        var lease = session.First("""
            INSERT INTO leases (sweep, id, silo, slot, granted, expires) VALUES (@sweep, @id, @silo, @slot, @now, @expires)
            RETURNING key
            """, row => row.GetInt64(0),
            ("@sweep", sweep), ("@id", $"{request.Lease}"), ("@silo", request.Silo), ("@slot", request.Slot),
            ("@now", now), ("@expires", now + (long)request.LeaseTime.TotalMilliseconds))!.Value;
        var provenance = Remember(session, request.Worker);
        foreach (var trial in members)
            session.Execute("""
                UPDATE trials SET lease = @lease, provenance = @provenance, fence = fence + 1, attempt = attempt + 1, retry_at = NULL
                WHERE key = @key
                """,
                ("@key", trial), ("@lease", lease), ("@provenance", provenance));
        return lease;
    }

    private static List<long> Next(SqliteSession session, long sweep, GrantRequest request, long now)
    {
        var fusionKeys = JsonSerializer.Serialize(request.Limits.Where(limit => limit.Value.Trials > 0).Select(limit => limit.Key));
        if (session.First(NextHead, row => (Replicate: row.GetInt32(0), FusionKey: row.GetString(1)),
                ("@sweep", sweep), ("@now", now), ("@fusionKeys", fusionKeys)) is var (replicate, fusionKey))
        {
            var (limit, acrossReplicates) = request.Limits[fusionKey];
            return session.Query(NextMembers, row => row.GetInt64(0), ("@sweep", sweep), ("@now", now), ("@fusionKey", fusionKey),
                ("@last", acrossReplicates ? int.MaxValue : replicate), ("@limit", limit)).ToList();
        }
        return HoldsTrial(session, request.Silo, now)
            ? []
            : session.Query(NextSuspect, row => row.GetInt64(0), ("@sweep", sweep), ("@now", now), ("@fusionKeys", fusionKeys)).ToList();
    }

    private static bool IsFull(SqliteSession session, long sweep, GrantRequest request) =>
        request.MaxLeases is { } most && session.First("""
            SELECT COUNT(DISTINCT lease) FROM trials WHERE sweep = @sweep AND outcome IS NULL AND lease IS NOT NULL
            """, row => row.GetInt64(0), ("@sweep", sweep)) >= most;

    private static bool HoldsTrial(SqliteSession session, string silo, long now) => session.First(HoldsAny, row => row.GetInt32(0), ("@silo", silo), ("@now", now)) is not null;

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
