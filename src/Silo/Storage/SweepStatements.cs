using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Silo;

/// <summary>The life of a sweep: each method is the body of one transaction.</summary>
internal static class SweepStatements
{
    /// <summary>How long a statement may take that touches all trials of a sweep.</summary>
    private static readonly TimeSpan Bulk = TimeSpan.FromMinutes(1);

    private const int CellsAtOnce = 1_000;

    /// <summary>Keeps the sweep's row for its coordinator until the transaction ends, if nobody has opened the sweep since.</summary>
    /// <returns>The sweep's key, and the store's time.</returns>
    /// <exception cref="CoordinatorReplacedException">Somebody has.</exception>
    public static (long Sweep, long Now) Admit(Session session, Coordinator coordinator) =>
        session.First($"SELECT key, {session.Dialect.Clock} FROM sweeps WHERE id = @id AND fence = @fence{session.Dialect.Lock}",
            row => (row.GetInt64(0), row.GetInt64(1)), ("@id", coordinator.SweepId), ("@fence", coordinator.Fence))
        ?? throw new CoordinatorReplacedException(coordinator.SweepId);

    /// <summary>Keeps trials from all others, in the order that everybody keeps: by their keys.</summary>
    public static void LockTrials(Session session, string which, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        if (session.Dialect.Lock is not "" and var locked)
            session.First($"SELECT COUNT(*) FROM (SELECT 1 FROM trials WHERE {which} ORDER BY key{locked}) AS locked",
                row => row.GetInt64(0), values);
    }

    public static bool Create(Session session, string sweepId, int number, Sweep sweep)
    {
        session.Patience = Bulk;
        var resolved = ResolvedSweep.Of(sweep);
        var key = session.First("""
            INSERT INTO sweeps (id, name, number, status, created, fence, text, resolved, hash, max_attempts)
            VALUES (@id, @name, @number, 'Running', @now, 0, @text, @resolved, @hash, @maxAttempts)
            ON CONFLICT (id) DO NOTHING
            RETURNING key
            """, row => row.GetInt64(0),
            ("@id", sweepId), ("@name", sweep.Name), ("@number", number), ("@now", session.Now),
            ("@text", sweep.Text), ("@resolved", resolved.Json), ("@hash", resolved.Hash),
            ("@maxAttempts", sweep.MaxAttempts));
        if (key is null)
            return false;
        StoreTrials(session, key.Value, sweep);
        return true;
    }

    public static OpenedSweep? Open(Session session, string sweepId) =>
        session.First("UPDATE sweeps SET fence = fence + 1 WHERE id = @id AND status <> 'Deleted' RETURNING fence, text, status, device",
            row => (Fence: row.GetInt64(0), Text: row.GetString(1), Status: Enum.Parse<SweepStatus>(row.GetString(2)), Device: row.IsDBNull(3) ? null : row.GetString(3)),
            ("@id", sweepId)) is { } opened
            ? new(new(sweepId, opened.Fence), opened.Text, opened.Status, opened.Device)
            : null;

    public static bool Extend(Session session, Coordinator coordinator, Sweep sweep)
    {
        session.Patience = Bulk;
        var (key, _) = Admit(session, coordinator);
        LockTrials(session, "sweep = @key", ("@key", key));
        var resolved = ResolvedSweep.Of(sweep);
        session.Execute("""
            UPDATE sweeps SET text = @text, resolved = @resolved, hash = @hash, max_attempts = @maxAttempts WHERE key = @key
            """,
            ("@key", key), ("@text", sweep.Text), ("@resolved", resolved.Json), ("@hash", resolved.Hash),
            ("@maxAttempts", sweep.MaxAttempts));
        session.Execute("UPDATE cells SET active = FALSE WHERE sweep = @key", ("@key", key));
        StoreTrials(session, key, sweep);
        session.Execute("""
            UPDATE trials SET active = named.active, position = named.position
            FROM (SELECT t.key, c.position, c.active AND t.replicate <= @replicates AS active
                  FROM cells c JOIN trials t ON t.cell = c.key WHERE c.sweep = @key) AS named
            WHERE trials.key = named.key AND (trials.active <> named.active OR trials.position <> named.position)
            """, ("@key", key), ("@replicates", sweep.Replicates));
        session.Execute("""
            UPDATE sweeps SET status = 'Running', finished = NULL
            WHERE key = @key AND status <> 'Paused'
              AND EXISTS (SELECT 1 FROM trials WHERE sweep = @key AND active AND outcome IS NULL)
            """, ("@key", key));
        return true;
    }

    /// <summary>Does nothing to a sweep that is over.</summary>
    public static bool Cancel(Session session, Coordinator coordinator)
    {
        session.Patience = Bulk;
        var (key, now) = Admit(session, coordinator);
        if (session.Execute("""
                UPDATE sweeps SET status = 'Cancelled', finished = @now WHERE key = @key AND status IN ('Running', 'Paused')
                """, ("@key", key), ("@now", now)) == 0)
            return false;
        LockTrials(session, "sweep = @key AND outcome IS NULL", ("@key", key));
        session.Execute("""
            UPDATE trials SET outcome = 'Cancelled', fence = fence + 1, lease = NULL, checkpoint = NULL, checkpoint_epoch = NULL,
                retry_at = NULL, epochs = (SELECT COUNT(*) FROM epochs WHERE trial = trials.key AND epoch > 0),
                seconds = (SELECT COALESCE(SUM(seconds), 0.0) FROM epochs WHERE trial = trials.key)
            WHERE sweep = @key AND outcome IS NULL
            """, ("@key", key));
        return true;
    }

    public static bool Finish(Session session, Coordinator coordinator)
    {
        var (key, now) = Admit(session, coordinator);
        session.Execute("""
            UPDATE sweeps SET status = 'Finished', finished = @now
            WHERE key = @key AND status IN ('Running', 'Paused')
              AND NOT EXISTS (SELECT 1 FROM trials WHERE sweep = @key AND active AND outcome IS NULL)
            """, ("@key", key), ("@now", now));
        return session.First("SELECT status = 'Finished' FROM sweeps WHERE key = @key", row => row.GetBoolean(0), ("@key", key))!.Value;
    }

    public static bool Pause(Session session, Coordinator coordinator) =>
        session.Execute("UPDATE sweeps SET status = 'Paused' WHERE key = @key AND status = 'Running'",
            ("@key", Admit(session, coordinator).Sweep)) > 0;

    public static bool Resume(Session session, Coordinator coordinator) =>
        session.Execute("UPDATE sweeps SET status = 'Running' WHERE key = @key AND status = 'Paused'",
            ("@key", Admit(session, coordinator).Sweep)) > 0;

    public static int Retry(Session session, Coordinator coordinator)
    {
        session.Patience = Bulk;
        var (key, _) = Admit(session, coordinator);
        LockTrials(session, "sweep = @key AND outcome IN ('Failed', 'Cancelled')", ("@key", key));
        var retried = session.Execute("""
            UPDATE trials SET outcome = NULL, fence = fence + 1, train_loss = NULL, validation_loss = NULL, validation_accuracy = NULL,
                test_loss = NULL, test_accuracy = NULL, epochs = 0, seconds = 0, ailments_end = NULL,
                failure_class = NULL, failure_message = NULL, failure_log = NULL,
                tries = 0, losses = 0, losses_alone = 0, loss_epoch = 0, retry_at = NULL
            WHERE sweep = @key AND active AND outcome IN ('Failed', 'Cancelled')
            """, ("@key", key));
        if (retried > 0)
            session.Execute("UPDATE sweeps SET status = 'Running', finished = NULL WHERE key = @key AND status <> 'Paused'", ("@key", key));
        return retried;
    }

    public static bool Delete(Session session, Coordinator coordinator)
    {
        session.Patience = Bulk;
        var (key, _) = Admit(session, coordinator);
        LockTrials(session, "sweep = @key", ("@key", key));
        session.Execute("UPDATE trials SET fence = fence + 1, lease = NULL WHERE sweep = @key", ("@key", key));
        return session.Execute("UPDATE sweeps SET status = 'Deleted', fence = fence + 1 WHERE key = @key", ("@key", key)) > 0;
    }

    public static RemovedChunk Remove(Session session, string sweepId, int trials)
    {
        session.Patience = Bulk;
        if (session.First($"SELECT key FROM sweeps WHERE id = @id AND status = 'Deleted' AND resolved <> ''{session.Dialect.Lock}",
                row => row.GetInt64(0), ("@id", sweepId)) is not { } key)
            return new([], More: false);
        var chunk = session.Query("SELECT key, checkpoint FROM trials WHERE sweep = @key ORDER BY key LIMIT @trials",
            row => (Key: row.GetInt64(0), Checkpoint: row.IsDBNull(1) ? null : row.GetString(1)), ("@key", key), ("@trials", trials));
        if (chunk.Count > 0)
        {
            (string, object?)[] values = [("@key", key), ("@last", chunk[^1].Key)];
            session.Execute("DELETE FROM epochs WHERE trial IN (SELECT key FROM trials WHERE sweep = @key AND key <= @last)", values);
            session.Execute("DELETE FROM trials WHERE sweep = @key AND key <= @last", values);
        }
        if (chunk.Count < trials)
        {
            session.Execute("DELETE FROM cells WHERE sweep = @key", ("@key", key));
            session.Execute("DELETE FROM leases WHERE sweep = @key", ("@key", key));
            session.Execute("UPDATE sweeps SET text = '', resolved = '' WHERE key = @key", ("@key", key));
        }
        List<string> files = [.. chunk.Select(trial => trial.Checkpoint).OfType<string>().Distinct()];
        return new(
            [
                .. files.Except(session.Query($"SELECT DISTINCT checkpoint FROM trials WHERE checkpoint {session.Dialect.IsIn("@files")}",
                    row => row.GetString(0), ("@files", session.Dialect.List(files)))),
            ],
            More: chunk.Count >= trials);
    }

    /// <summary>Stores the cells and trials that are new; the cells that were known are named again, in their new order.</summary>
    private static void StoreTrials(Session session, long key, Sweep sweep)
    {
        // In parts: the rows of a large sweep would take more memory than all else of it.
        foreach (var part in sweep.Cells.Index().Chunk(CellsAtOnce))
        {
            var cells = new RowSet<(int Position, Cell Cell)>(part)
                .With("sweep", _ => key).With("id", row => row.Cell.Id).With("position", row => row.Position)
                .With("configuration", row => row.Cell.Configuration.Json).With("fusion_key", row => row.Cell.Configuration.FusionKey);
            session.Execute($"""
                INSERT INTO cells (sweep, id, position, configuration, fusion_key, active)
                SELECT sweep, id, position, configuration, fusion_key, TRUE FROM {session.Dialect.Rows(cells)} WHERE TRUE
                ON CONFLICT (sweep, id) DO UPDATE SET position = excluded.position, active = TRUE
                """, cells);
        }
        session.Execute("""
            WITH RECURSIVE replicates (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM replicates WHERE number < @replicates)
            INSERT INTO trials (sweep, cell, replicate, position, fusion_key, active, fence, attempt, epochs, seconds,
                tries, losses, losses_alone, loss_epoch)
            SELECT c.sweep, c.key, r.number, c.position, c.fusion_key, TRUE, 0, 0, 0, 0, 0, 0, 0, 0
            FROM replicates r CROSS JOIN cells c WHERE c.sweep = @sweep AND c.active ORDER BY r.number, c.position
            ON CONFLICT (cell, replicate) DO NOTHING
            """, ("@sweep", key), ("@replicates", sweep.Replicates));
        session.Dialect.Analyze(session, "sweeps", "cells", "trials");
    }
}
