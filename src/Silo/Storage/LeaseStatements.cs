using System.Collections.Immutable;
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
    // A time that lies beyond the longest pause was written before the store's clock was set back: such a trial would wait as long as that.
    private static readonly string Ready =
        $"(retry_at IS NULL OR retry_at <= @now OR retry_at > @now + {(long)ReportedTrial.LongestPause.TotalMilliseconds})";

    // Only what goes on from one file goes on together: others would wait in a lease, and be lost with it, untrained.
    private static readonly string NextMembers = $"""
        SELECT key FROM trials
        WHERE sweep = @sweep AND fusion_key = @fusionKey AND replicate <= @last AND {SweepContext.Waiting} AND {Ready}
          AND checkpoint IS NOT DISTINCT FROM @checkpoint
        ORDER BY replicate, position LIMIT @limit
        """;

    /// <summary>Whether a silo trains a suspect.</summary>
    // Trials first: a lease stays open for its time, though its trials have ended, so there may be thousands.
    public const string HoldsSuspect = """
        SELECT 1 FROM trials t CROSS JOIN leases l
        WHERE t.losses >= 2 AND t.outcome IS NULL AND l.key = t.lease AND l.silo = @silo AND l.expires > @now LIMIT 1
        """;

    /// <summary>Whether a silo trains anything.</summary>
    public const string HoldsTrial = """
        SELECT 1 FROM trials t CROSS JOIN leases l
        WHERE t.lease IS NOT NULL AND l.key = t.lease AND l.silo = @silo AND l.expires > @now LIMIT 1
        """;

    public static Granted Grant(Session session, Coordinator coordinator, GrantRequest request)
    {
        var (sweep, now) = SweepStatements.Admit(session, coordinator);
        var lost = LostTrials.None;
        var known = Find(session, sweep, request.Lease);
        if (known is not { } lease)
        {
            lost = request.TakeExpired ? TakeExpired(session, sweep, now) : LostTrials.None;
            if (!IsOfItsDevice(session, sweep, request))
                return new([], lost, HeldBack: true);
            var (taken, heldBack) = Take(session, sweep, request, now);
            if (taken is null)
                return new([], lost, heldBack);
            lease = taken.Value;
            session.Execute("UPDATE sweeps SET device = @device WHERE key = @sweep AND device IS NULL",
                ("@device", request.Worker.Device), ("@sweep", sweep));
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
            lost, HeldBack: false)
        {
            IsRepeated = known is not null,
        };
    }

    /// <summary>Whether the worker is of the kind that the sweep is trained on, or may be the first.</summary>
    private static bool IsOfItsDevice(Session session, long sweep, GrantRequest request) =>
        (session.Query("SELECT device FROM sweeps WHERE key = @sweep", row => row.IsDBNull(0) ? null : row.GetString(0), ("@sweep", sweep))[0]
            ?? request.Device ?? request.Worker.Device) == request.Worker.Device;

    public static ImmutableHashSet<Guid> Renew(
        Session session, Coordinator coordinator, IReadOnlyCollection<Guid> leases, TimeSpan leaseTime)
    {
        var (sweep, now) = SweepStatements.Admit(session, coordinator);
        return leases.Count == 0
            ? []
            : [.. session.Query($"""
                UPDATE leases SET expires = @expires
                WHERE sweep = @sweep AND id {session.Dialect.IsIn("@ids")} AND EXISTS (SELECT 1 FROM trials WHERE lease = leases.key)
                RETURNING id
                """, row => Guid.Parse(row.GetString(0)),
                ("@sweep", sweep), ("@ids", session.Dialect.List(leases.Select(lease => $"{lease}"))),
                ("@expires", now + (long)leaseTime.TotalMilliseconds))];
    }

    public static int Release(Session session, Coordinator coordinator, Guid lease, IReadOnlyCollection<TrialId> trials)
    {
        var (sweep, _) = SweepStatements.Admit(session, coordinator);
        if (Find(session, sweep, lease) is not { } key)
            return 0;
        SweepStatements.LockTrials(session, "lease = @lease", ("@lease", key));
        return session.Execute($"""
            UPDATE trials SET lease = NULL
            WHERE lease = @lease AND (SELECT c.id FROM cells c WHERE c.key = cell) || '/r' || replicate {session.Dialect.IsIn("@trials")}
            """,
            ("@lease", key),
            ("@trials", session.Dialect.List(
                trials.Where(trial => trial.Sweep == coordinator.SweepId).Select(trial => $"{trial.Cell}/r{trial.Replicate}"))));
    }

    public static TakenTrials ReleaseSilo(Session session, string silo) => ReleaseWhere(
        session, "lease IS NOT NULL AND EXISTS (SELECT 1 FROM leases l WHERE l.key = trials.lease AND l.silo = @silo)", ("@silo", silo));

    public static TakenTrials ReleaseAll(Session session) => ReleaseWhere(session, "lease IS NOT NULL");

    /// <summary>The first trial that may be granted, of a fusion key that the request takes.</summary>
    // An expression is looked up in no index: the order is what the index is for.
    internal static string NextHead(Dialect dialect) => $"""
        SELECT replicate, fusion_key, checkpoint FROM trials
        WHERE sweep = @sweep AND {SweepContext.Waiting} AND {Ready} AND fusion_key || '' {dialect.IsIn("@fusionKeys")}
        ORDER BY replicate, position LIMIT 1
        """;

    /// <summary>Grants the next trials of one fusion key.</summary>
    // What reports can change stands twice: while the rows were waited for, they may have changed it.
    internal static string GrantMembers(Dialect dialect) => $"""
        {Given}
        WHERE key {dialect.IsAmong($"SELECT key FROM trials WHERE key {dialect.IsAmong(NextMembers)} ORDER BY key{dialect.Lock}")}
          AND outcome IS NULL AND lease IS NULL AND {Ready}
        """;

    /// <summary>Grants the next suspect.</summary>
    internal static string GrantSuspect(Dialect dialect) =>
        $"{Given} WHERE key {dialect.IsAmong(NextSuspect(dialect) + dialect.Lock)} AND outcome IS NULL AND lease IS NULL AND {Ready}";

    private static string NextSuspect(Dialect dialect) => $"""
        SELECT key FROM trials
        WHERE sweep = @sweep AND {SweepContext.Suspect} AND active AND lease IS NULL AND {Ready}
          AND fusion_key {dialect.IsIn("@fusionKeys")}
        ORDER BY replicate, position LIMIT 1
        """;

    private const string Given =
        "UPDATE trials SET lease = @lease, provenance = @provenance, fence = fence + 1, attempt = attempt + 1, retry_at = NULL";

    private static TakenTrials ReleaseWhere(
        Session session, string which, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        SweepStatements.LockTrials(session, which, values);
        ImmutableArray<string> sweeps =
        [
            .. session.Query($"SELECT id FROM sweeps WHERE key IN (SELECT sweep FROM trials WHERE {which}) ORDER BY key",
                row => row.GetString(0), values),
        ];
        return new(sweeps, sweeps.IsEmpty ? LostTrials.None : Lose(session, which, values));
    }

    private static long? Find(Session session, long sweep, Guid lease) =>
        session.First("SELECT key FROM leases WHERE sweep = @sweep AND id = @id", row => row.GetInt64(0),
            ("@sweep", sweep), ("@id", $"{lease}"));

    /// <summary>Closes leases whose time is over, also those that ended in good order, and lets their trials wait again.</summary>
    private static LostTrials TakeExpired(Session session, long sweep, long now)
    {
        const string ofClosed = "sweep = @sweep AND lease IN (SELECT l.key FROM leases l WHERE l.sweep = @sweep AND l.expires IS NULL)";
        var closed = session.Query("""
            UPDATE leases SET expires = NULL WHERE sweep = @sweep AND expires <= @now
            RETURNING EXISTS (SELECT 1 FROM trials WHERE lease = leases.key)
            """, row => row.GetBoolean(0), ("@sweep", sweep), ("@now", now));
        if (!closed.Contains(true))
            return LostTrials.None;
        SweepStatements.LockTrials(session, ofClosed, ("@sweep", sweep));
        return Lose(session, ofClosed, ("@sweep", sweep));
    }

    /// <summary>
    /// Takes trials from their leases, because whoever trained them is dead or silent, and counts that: against those that it might be
    /// the fault of. Who got further than at the last loss starts counting anew, as an innocent one in a bad night may be lost often.
    /// </summary>
    private static LostTrials Lose(Session session, string which, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        var lost = session.Execute($"""
            UPDATE trials SET lease = NULL,
                losses = CASE WHEN reached.epoch > loss_epoch THEN 1 WHEN losses < 2 THEN losses + 1 ELSE losses END,
                losses_alone = CASE WHEN reached.epoch > loss_epoch THEN 0 WHEN losses < 2 THEN 0 ELSE losses_alone + 1 END,
                loss_epoch = CASE WHEN reached.epoch > loss_epoch THEN reached.epoch ELSE loss_epoch END
            FROM (SELECT key AS trial, COALESCE((SELECT MAX(e.epoch) FROM epochs e WHERE e.trial = trials.key), 0) AS epoch
                  FROM trials WHERE {which}) AS reached
            WHERE trials.key = reached.trial
            """, values);
        var killers = session.Execute($"""
            UPDATE trials SET outcome = 'Failed', fence = fence + 1, failure_class = '{FailureClass.WorkerKiller}',
                failure_message = 'The worker that trained it died or fell silent ' || (losses + losses_alone) || ' times, the last '
                    || losses_alone || ' times with nothing else to train, and it never got beyond epoch ' || loss_epoch
                    || '. Look into the log of its last worker, and at its memory limit; then retry it.',
                checkpoint = NULL, checkpoint_epoch = NULL, retry_at = NULL,
                epochs = (SELECT COUNT(*) FROM epochs e WHERE e.trial = trials.key AND e.epoch > 0),
                seconds = (SELECT COALESCE(SUM(e.seconds), 0.0) FROM epochs e WHERE e.trial = trials.key)
            WHERE {SweepContext.Suspect} AND losses_alone >= 2
            """);
        return new(lost, killers);
    }

    /// <summary>The new lease, or null if there is no trial for it: then it leaves no trace.</summary>
    private static (long? Lease, bool HeldBack) Take(Session session, long sweep, GrantRequest request, long now)
    {
        // The silo may be asking for a trial of another sweep at the same time.
        session.Dialect.Exclude(session, request.Silo);
        if (Holds(session, HoldsSuspect, request.Silo, now) || IsFull(session, sweep, request))
            return (null, HeldBack: true);
        var fusionKeys = session.Dialect.List(request.Limits.Where(limit => limit.Value.Trials > 0).Select(limit => limit.Key));
        var head = session.First(NextHead(session.Dialect),
            row => (Replicate: row.GetInt32(0), FusionKey: row.GetString(1), Checkpoint: row.IsDBNull(2) ? null : row.GetString(2)),
            ("@sweep", sweep), ("@now", now), ("@fusionKeys", fusionKeys));
        if (head is null)
        {
            if (session.First(NextSuspect(session.Dialect), row => row.GetInt64(0),
                    ("@sweep", sweep), ("@now", now), ("@fusionKeys", fusionKeys)) is null)
                return (null, HeldBack: false);
            if (Holds(session, HoldsTrial, request.Silo, now))
                return (null, HeldBack: true);
        }
        var lease = session.First("""
            INSERT INTO leases (sweep, id, silo, slot, granted, expires) VALUES (@sweep, @id, @silo, @slot, @now, @expires)
            RETURNING key
            """, row => row.GetInt64(0),
            ("@sweep", sweep), ("@id", $"{request.Lease}"), ("@silo", request.Silo), ("@slot", request.Slot),
            ("@now", now), ("@expires", now + (long)request.LeaseTime.TotalMilliseconds))!.Value;
        var provenance = Remember(session, request.Worker);
        int granted;
        if (head is var (replicate, fusionKey, checkpoint))
        {
            var (limit, acrossReplicates) = request.Limits[fusionKey];
            granted = session.Execute(GrantMembers(session.Dialect),
                ("@lease", lease), ("@provenance", provenance), ("@sweep", sweep), ("@now", now), ("@fusionKey", fusionKey),
                ("@last", acrossReplicates ? int.MaxValue : replicate), ("@checkpoint", checkpoint), ("@limit", limit));
        }
        else
        {
            granted = session.Execute(GrantSuspect(session.Dialect),
                ("@lease", lease), ("@provenance", provenance), ("@sweep", sweep), ("@now", now), ("@fusionKeys", fusionKeys));
        }
        if (granted > 0)
            return (lease, HeldBack: false);
        session.Execute("DELETE FROM leases WHERE key = @lease", ("@lease", lease));
        return (null, HeldBack: false);
    }

    private static bool IsFull(Session session, long sweep, GrantRequest request) =>
        request.MaxLeases is { } most && session.First("""
            SELECT COUNT(DISTINCT lease) FROM trials WHERE sweep = @sweep AND outcome IS NULL AND lease IS NOT NULL
            """, row => row.GetInt64(0), ("@sweep", sweep)) >= most;

    private static bool Holds(Session session, string sql, string silo, long now) =>
        session.First(sql, row => row.GetInt32(0), ("@silo", silo), ("@now", now)) is not null;

    private static long Remember(Session session, Provenance worker)
    {
        (string, object?)[] values =
        [
            ("@code", worker.CodeVersion), ("@libtorch", worker.Libtorch), ("@cpu", worker.CpuCapability), ("@device", worker.Device),
        ];
        if (Known() is { } known)
            return known;
        session.Execute("""
            INSERT INTO provenances (code_version, libtorch, cpu_capability, device) VALUES (@code, @libtorch, @cpu, @device)
            ON CONFLICT DO NOTHING
            """, values);
        return Known()!.Value;

        long? Known() => session.First("""
            SELECT key FROM provenances
            WHERE code_version = @code AND libtorch = @libtorch AND cpu_capability = @cpu AND device = @device
            """, row => row.GetInt64(0), values);
    }
}
