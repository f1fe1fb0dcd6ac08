using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Storage.Schema;
using DeepTrain.Cluster.Silo.Storage.Sessions;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Storage.Statements;

/// <summary>Grants, renews and ends leases: each method is the body of one transaction.</summary>
/// <remarks>
/// A lease never takes further trials after its grant, so a trial's lease names the only slot that may train it. The row stays when
/// the lease no longer holds a trial, so that a late repetition of its request finds it and is granted nothing. A lease whose
/// <c>expires</c> is NULL holds no trial.
/// </remarks>
internal static class LeaseStatements
{
    // A time beyond the longest pause was written before the store's clock was set back; waiting for it could take that long.
    private static readonly string Ready =
        $"(retry_at IS NULL OR retry_at <= @now OR retry_at > @now + {(long)ReportedTrial.LongestPause.TotalMilliseconds})";

    // Only trials that resume from the same file are granted together: others would wait in the lease and be lost with it, untrained.
    private static readonly string NextMembers = $"""
        SELECT key FROM trials
        WHERE sweep = @sweep AND fusion_key = @fusionKey AND replicate <= @last AND {SweepContext.Waiting} AND {Ready}
          AND checkpoint IS NOT DISTINCT FROM @checkpoint
        ORDER BY replicate, position LIMIT @limit
        """;

    /// <summary>Whether a silo trains a suspect.</summary>
    // Trials come first in the join: a lease stays open until it expires though its trials have ended, so there may be thousands.
    public static readonly Sql HoldsSuspect = new("""
        SELECT 1 FROM trials t CROSS JOIN leases l
        WHERE t.losses >= 2 AND t.outcome IS NULL AND l.key = t.lease AND l.silo = @silo AND l.expires > @now LIMIT 1
        """);

    /// <summary>Whether a silo trains any trial.</summary>
    public static readonly Sql HoldsTrial = new("""
        SELECT 1 FROM trials t CROSS JOIN leases l
        WHERE t.lease IS NOT NULL AND l.key = t.lease AND l.silo = @silo AND l.expires > @now LIMIT 1
        """);

    private static readonly Sql PinDevice = new("UPDATE sweeps SET device = @device WHERE key = @sweep AND device IS NULL");

    private static readonly Sql TrialsOfLease = new("""
        SELECT c.id, t.replicate, t.fence, t.attempt, c.configuration, t.checkpoint, t.checkpoint_epoch
        FROM trials t JOIN cells c ON c.key = t.cell
        WHERE t.lease = @lease ORDER BY t.replicate, t.position
        """);

    public static Granted Grant(Session session, Coordinator coordinator, GrantRequest request)
    {
        var (sweep, now) = SweepStatements.CheckCoordinator(session, coordinator);
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
            session.Execute(PinDevice, ("@device", request.Worker.Device), ("@sweep", sweep));
        }
        return new(
            [.. session.Query(TrialsOfLease,
                row => new LeasedTrial(new(coordinator.SweepId, row.GetString(0), row.GetInt32(1)),
                    row.GetInt64(2), row.GetInt32(3), row.GetString(4), row.IsDBNull(5) ? null : row.GetString(5),
                    row.IsDBNull(6) ? 0 : row.GetInt32(6)),
                ("@lease", lease))],
            lost, HeldBack: false)
        {
            IsRepeated = known is not null,
        };
    }

    private static readonly Sql DeviceOf = new("SELECT device FROM sweeps WHERE key = @sweep");

    /// <summary>Whether the worker's kind of device is the sweep's, or the sweep has none yet.</summary>
    private static bool IsOfItsDevice(Session session, long sweep, GrantRequest request) =>
        (session.Query(DeviceOf, row => row.IsDBNull(0) ? null : row.GetString(0), ("@sweep", sweep))[0]
            ?? request.Device ?? request.Worker.Device) == request.Worker.Device;

    private static readonly Sql RenewLeases = new(dialect => $"""
        UPDATE leases SET expires = @expires
        WHERE sweep = @sweep AND id {dialect.InList("@ids")} AND EXISTS (SELECT 1 FROM trials WHERE lease = leases.key)
        RETURNING id
        """);

    public static ImmutableHashSet<Guid> Renew(
        Session session, Coordinator coordinator, IReadOnlyCollection<Guid> leases, TimeSpan leaseTime)
    {
        var (sweep, now) = SweepStatements.CheckCoordinator(session, coordinator);
        return leases.Count == 0
            ? []
            : [.. session.Query(RenewLeases, row => Guid.Parse(row.GetString(0)),
                ("@sweep", sweep), ("@ids", session.Dialect.ListValue(leases.Select(lease => $"{lease}"))),
                ("@expires", now + (long)leaseTime.TotalMilliseconds))];
    }

    private static readonly Sql LockTrialsOfLease = SweepStatements.LockTrials("lease = @lease");

    private static readonly Sql ReleaseTrials = new(dialect => $"""
        UPDATE trials SET lease = NULL
        WHERE lease = @lease AND (SELECT c.id FROM cells c WHERE c.key = cell) || '/r' || replicate {dialect.InList("@trials")}
        """);

    public static int Release(Session session, Coordinator coordinator, Guid lease, IReadOnlyCollection<TrialId> trials)
    {
        var (sweep, _) = SweepStatements.CheckCoordinator(session, coordinator);
        if (Find(session, sweep, lease) is not { } key)
            return 0;
        session.Execute(LockTrialsOfLease, ("@lease", key));
        return session.Execute(ReleaseTrials,
            ("@lease", key),
            ("@trials", session.Dialect.ListValue(
                trials.Where(trial => trial.Sweep == coordinator.SweepId).Select(trial => $"{trial.Cell}/r{trial.Replicate}"))));
    }

    private static readonly Loss OfSilo = new("lease IS NOT NULL AND EXISTS (SELECT 1 FROM leases l WHERE l.key = trials.lease AND l.silo = @silo)");

    public static TakenTrials ReleaseSilo(Session session, string silo) => OfSilo.TakeAll(session, ("@silo", silo));

    private static readonly Loss OfAll = new("lease IS NOT NULL");

    public static TakenTrials ReleaseAll(Session session) => OfAll.TakeAll(session);

    /// <summary>The first trial that may be granted and has one of the request's fusion keys.</summary>
    // The expression keeps the planner from looking up fusion keys in an index: the index must give the order.
    internal static readonly Sql NextHead = new(dialect => $"""
        SELECT replicate, fusion_key, checkpoint FROM trials
        WHERE sweep = @sweep AND {SweepContext.Waiting} AND {Ready} AND fusion_key || '' {dialect.InList("@fusionKeys")}
        ORDER BY replicate, position LIMIT 1
        """);

    /// <summary>Grants the next trials of one fusion key.</summary>
    // The conditions that reports can change are repeated: they may have changed while this statement waited for the locks.
    internal static readonly Sql GrantMembers = new(dialect => $"""
        {Given}
        WHERE key {dialect.InSelect($"SELECT key FROM trials WHERE key {dialect.InSelect(NextMembers)} ORDER BY key{dialect.ForUpdate}")}
          AND outcome IS NULL AND lease IS NULL AND {Ready}
        """);

    private static readonly Sql NextSuspect = new(SelectSuspect);

    /// <summary>Grants the next suspect.</summary>
    internal static readonly Sql GrantSuspect = new(dialect =>
        $"{Given} WHERE key {dialect.InSelect(SelectSuspect(dialect) + dialect.ForUpdate)} AND outcome IS NULL AND lease IS NULL AND {Ready}");

    private static string SelectSuspect(Dialect dialect) => $"""
        SELECT key FROM trials
        WHERE sweep = @sweep AND {SweepContext.Suspect} AND active AND lease IS NULL AND {Ready}
          AND fusion_key {dialect.InList("@fusionKeys")}
        ORDER BY replicate, position LIMIT 1
        """;

    private const string Given =
        "UPDATE trials SET lease = @lease, provenance = @provenance, fence = fence + 1, attempt = attempt + 1, retry_at = NULL";

    private static readonly Sql FindLease = new("SELECT key FROM leases WHERE sweep = @sweep AND id = @id");

    private static long? Find(Session session, long sweep, Guid lease) =>
        session.First(FindLease, row => row.GetInt64(0), ("@sweep", sweep), ("@id", $"{lease}"));

    private static readonly Sql CloseExpired = new("""
        UPDATE leases SET expires = NULL WHERE sweep = @sweep AND expires <= @now
        RETURNING EXISTS (SELECT 1 FROM trials WHERE lease = leases.key)
        """);

    private static readonly Loss OfClosed = new(
        "sweep = @sweep AND lease IN (SELECT l.key FROM leases l WHERE l.sweep = @sweep AND l.expires IS NULL)");

    /// <summary>Closes expired leases, including those that ended normally, and returns their trials to waiting.</summary>
    private static LostTrials TakeExpired(Session session, long sweep, long now) =>
        session.Query(CloseExpired, row => row.GetBoolean(0), ("@sweep", sweep), ("@now", now)).Contains(true)
            ? OfClosed.Take(session, ("@sweep", sweep))
            : LostTrials.None;

    private static readonly Sql LockSilo = new(dialect => dialect.AdvisoryLock);

    private static readonly Sql InsertLease = new("""
        INSERT INTO leases (sweep, id, silo, slot, granted, expires) VALUES (@sweep, @id, @silo, @slot, @now, @expires)
        RETURNING key
        """);

    private static readonly Sql DeleteLease = new("DELETE FROM leases WHERE key = @lease");

    /// <summary>The new lease, or null if there is no trial for it: then nothing is stored.</summary>
    private static (long? Lease, bool HeldBack) Take(Session session, long sweep, GrantRequest request, long now)
    {
        // The silo may be asking for a trial of another sweep at the same time.
        session.Execute(LockSilo, ("@name", request.Silo));
        if (Holds(session, HoldsSuspect, request.Silo, now) || IsFull(session, sweep, request))
            return (null, HeldBack: true);
        var fusionKeys = session.Dialect.ListValue(request.Limits.Where(limit => limit.Value.Trials > 0).Select(limit => limit.Key));
        var head = session.First(NextHead,
            row => (Replicate: row.GetInt32(0), FusionKey: row.GetString(1), Checkpoint: row.IsDBNull(2) ? null : row.GetString(2)),
            ("@sweep", sweep), ("@now", now), ("@fusionKeys", fusionKeys));
        if (head is null)
        {
            if (session.First(NextSuspect, row => row.GetInt64(0), ("@sweep", sweep), ("@now", now), ("@fusionKeys", fusionKeys)) is null)
                return (null, HeldBack: false);
            if (Holds(session, HoldsTrial, request.Silo, now))
                return (null, HeldBack: true);
        }
        var lease = session.First(InsertLease, row => row.GetInt64(0),
            ("@sweep", sweep), ("@id", $"{request.Lease}"), ("@silo", request.Silo), ("@slot", request.Slot),
            ("@now", now), ("@expires", now + (long)request.LeaseTime.TotalMilliseconds))!.Value;
        var provenance = Remember(session, request.Worker);
        int granted;
        if (head is var (replicate, fusionKey, checkpoint))
        {
            var (limit, acrossReplicates) = request.Limits[fusionKey];
            granted = session.Execute(GrantMembers,
                ("@lease", lease), ("@provenance", provenance), ("@sweep", sweep), ("@now", now), ("@fusionKey", fusionKey),
                ("@last", acrossReplicates ? int.MaxValue : replicate), ("@checkpoint", checkpoint), ("@limit", limit));
        }
        else
        {
            granted = session.Execute(GrantSuspect,
                ("@lease", lease), ("@provenance", provenance), ("@sweep", sweep), ("@now", now), ("@fusionKeys", fusionKeys));
        }
        if (granted > 0)
            return (lease, HeldBack: false);
        session.Execute(DeleteLease, ("@lease", lease));
        return (null, HeldBack: false);
    }

    private static readonly Sql OpenLeases = new(
        "SELECT COUNT(DISTINCT lease) FROM trials WHERE sweep = @sweep AND outcome IS NULL AND lease IS NOT NULL");

    private static bool IsFull(Session session, long sweep, GrantRequest request) =>
        request.MaxLeases is { } most && session.First(OpenLeases, row => row.GetInt64(0), ("@sweep", sweep)) >= most;

    private static bool Holds(Session session, Sql sql, string silo, long now) =>
        session.First(sql, row => row.GetInt32(0), ("@silo", silo), ("@now", now)) is not null;

    private static readonly Sql FindProvenance = new("""
        SELECT key FROM provenances
        WHERE code_version = @code AND libtorch = @libtorch AND cpu_capability = @cpu AND device = @device
        """);

    private static readonly Sql InsertProvenance = new("""
        INSERT INTO provenances (code_version, libtorch, cpu_capability, device) VALUES (@code, @libtorch, @cpu, @device)
        ON CONFLICT DO NOTHING
        """);

    private static long Remember(Session session, Provenance worker)
    {
        (string, object?)[] values =
        [
            ("@code", worker.CodeVersion), ("@libtorch", worker.Libtorch), ("@cpu", worker.CpuCapability), ("@device", worker.Device),
        ];
        if (Known() is { } known)
            return known;
        session.Execute(InsertProvenance, values);
        return Known()!.Value;

        long? Known() => session.First(FindProvenance, row => row.GetInt64(0), values);
    }
}
