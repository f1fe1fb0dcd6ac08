using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Storage.Sessions;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Silo.Storage.Statements;

/// <summary>Creates, changes and ends sweeps: each method is the body of one transaction.</summary>
internal static class SweepStatements
{
    /// <summary>The timeout of a statement that changes all trials of a sweep.</summary>
    private static readonly TimeSpan Bulk = TimeSpan.FromMinutes(1);

    private const int CellsAtOnce = 1_000;

    private static readonly Sql LockSweep = new(dialect =>
        $"SELECT key, {dialect.Clock} FROM sweeps WHERE id = @id AND fence = @fence{dialect.ForUpdate}");

    /// <summary>Locks the sweep's row until the transaction ends, if no later coordinator has opened the sweep.</summary>
    /// <returns>The sweep's key, and the store's time.</returns>
    /// <exception cref="CoordinatorReplacedException">A later coordinator has.</exception>
    public static (long Sweep, long Now) CheckCoordinator(Session session, Coordinator coordinator) =>
        session.First(LockSweep, row => (row.GetInt64(0), row.GetInt64(1)), ("@id", coordinator.SweepId), ("@fence", coordinator.Fence))
        ?? throw new CoordinatorReplacedException(coordinator.SweepId);

    /// <summary>A statement that locks trials, in the order that all transactions use: by their keys.</summary>
    public static Sql LockTrials(string which) => new(dialect => dialect.ForUpdate is "" ? ""
        : $"SELECT COUNT(*) FROM (SELECT 1 FROM trials WHERE {which} ORDER BY key{dialect.ForUpdate}) AS locked");

    private static readonly Sql LockAllTrials = LockTrials("sweep = @key");

    private static readonly Sql InsertSweep = new("""
        INSERT INTO sweeps (id, name, number, status, created, fence, text, resolved, hash, max_attempts)
        VALUES (@id, @name, @number, 'Running', @now, 0, @text, @resolved, @hash, @maxAttempts)
        ON CONFLICT (id) DO NOTHING
        RETURNING key
        """);

    public static bool Create(Session session, string sweepId, int number, Sweep sweep)
    {
        session.Patience = Bulk;
        var resolved = ResolvedSweep.Of(sweep);
        var key = session.First(InsertSweep, row => row.GetInt64(0),
            ("@id", sweepId), ("@name", sweep.Name), ("@number", number), ("@now", session.Now),
            ("@text", sweep.Text), ("@resolved", resolved.Json), ("@hash", resolved.Hash),
            ("@maxAttempts", sweep.MaxAttempts));
        if (key is null)
            return false;
        StoreTrials(session, key.Value, sweep);
        return true;
    }

    private static readonly Sql RaiseFence = new(
        "UPDATE sweeps SET fence = fence + 1 WHERE id = @id AND status <> 'Deleted' RETURNING fence, text, status, device");

    public static OpenedSweep? Open(Session session, string sweepId) =>
        session.First(RaiseFence,
            row => (Fence: row.GetInt64(0), Text: row.GetString(1), Status: Enum.Parse<SweepStatus>(row.GetString(2)), Device: row.IsDBNull(3) ? null : row.GetString(3)),
            ("@id", sweepId)) is { } opened
            ? new(new(sweepId, opened.Fence), opened.Text, opened.Status, opened.Device)
            : null;

    private static readonly Sql ReplaceText = new(
        "UPDATE sweeps SET text = @text, resolved = @resolved, hash = @hash, max_attempts = @maxAttempts WHERE key = @key");

    private static readonly Sql DeactivateCells = new("UPDATE cells SET active = FALSE WHERE sweep = @key");

    private static readonly Sql PlaceTrials = new("""
        UPDATE trials SET active = named.active, position = named.position
        FROM (SELECT t.key, c.position, c.active AND t.replicate <= @replicates AS active
              FROM cells c JOIN trials t ON t.cell = c.key WHERE c.sweep = @key) AS named
        WHERE trials.key = named.key AND (trials.active <> named.active OR trials.position <> named.position)
        """);

    public static bool Extend(Session session, Coordinator coordinator, Sweep sweep)
    {
        session.Patience = Bulk;
        var (key, _) = CheckCoordinator(session, coordinator);
        session.Execute(LockAllTrials, ("@key", key));
        var resolved = ResolvedSweep.Of(sweep);
        session.Execute(ReplaceText, ("@key", key), ("@text", sweep.Text), ("@resolved", resolved.Json), ("@hash", resolved.Hash),
            ("@maxAttempts", sweep.MaxAttempts));
        session.Execute(DeactivateCells, ("@key", key));
        StoreTrials(session, key, sweep);
        session.Execute(PlaceTrials, ("@key", key), ("@replicates", sweep.Replicates));
        // Its coordinator ends it at once if no trial is open, with the status that its trials give it now.
        session.Execute(RunUnlessPaused, ("@key", key));
        return true;
    }

    private static readonly Sql CancelSweep = new(
        "UPDATE sweeps SET status = 'Cancelled', finished = @now WHERE key = @key AND status IN ('Running', 'Paused')");

    private static readonly Sql LockOpenTrials = LockTrials("sweep = @key AND outcome IS NULL");

    private static readonly Sql CancelTrials = new("""
        UPDATE trials SET outcome = 'Cancelled', fence = fence + 1, lease = NULL, checkpoint = NULL, checkpoint_epoch = NULL,
            retry_at = NULL, epochs = (SELECT COUNT(*) FROM epochs WHERE trial = trials.key AND epoch > 0),
            seconds = (SELECT COALESCE(SUM(seconds), 0.0) FROM epochs WHERE trial = trials.key)
        WHERE sweep = @key AND outcome IS NULL
        """);

    /// <summary>Does nothing to a sweep that has ended.</summary>
    public static bool Cancel(Session session, Coordinator coordinator)
    {
        session.Patience = Bulk;
        var (key, now) = CheckCoordinator(session, coordinator);
        if (session.Execute(CancelSweep, ("@key", key), ("@now", now)) == 0)
            return false;
        session.Execute(LockOpenTrials, ("@key", key));
        session.Execute(CancelTrials, ("@key", key));
        return true;
    }

    private static readonly Sql EndIfNoneIsOpen = new("""
        UPDATE sweeps SET finished = @now, status = CASE
            WHEN EXISTS (SELECT 1 FROM trials WHERE sweep = @key AND active AND outcome = 'Cancelled') THEN 'Cancelled' ELSE 'Finished' END
        WHERE key = @key AND status IN ('Running', 'Paused')
          AND NOT EXISTS (SELECT 1 FROM trials WHERE sweep = @key AND active AND outcome IS NULL)
        """);

    private static readonly Sql Status = new("SELECT status FROM sweeps WHERE key = @key");

    public static SweepStatus Finish(Session session, Coordinator coordinator)
    {
        var (key, now) = CheckCoordinator(session, coordinator);
        session.Execute(EndIfNoneIsOpen, ("@key", key), ("@now", now));
        return session.First(Status, row => Enum.Parse<SweepStatus>(row.GetString(0)), ("@key", key))!.Value;
    }

    private static readonly Sql PauseSweep = new("UPDATE sweeps SET status = 'Paused' WHERE key = @key AND status = 'Running'");

    public static bool Pause(Session session, Coordinator coordinator) =>
        session.Execute(PauseSweep, ("@key", CheckCoordinator(session, coordinator).Sweep)) > 0;

    private static readonly Sql ResumeSweep = new("UPDATE sweeps SET status = 'Running' WHERE key = @key AND status = 'Paused'");

    public static bool Resume(Session session, Coordinator coordinator) =>
        session.Execute(ResumeSweep, ("@key", CheckCoordinator(session, coordinator).Sweep)) > 0;

    private const string Retryable = "outcome IN ('Failed', 'Cancelled')";

    private static readonly Sql LockRetryableTrials = LockTrials($"sweep = @key AND {Retryable}");

    private static readonly Sql RetryTrials = new($"""
        UPDATE trials SET outcome = NULL, fence = fence + 1, train_loss = NULL, validation_loss = NULL, validation_accuracy = NULL,
            test_loss = NULL, test_accuracy = NULL, epochs = 0, seconds = 0, ailments_end = NULL,
            failure_class = NULL, failure_message = NULL, failure_log = NULL,
            tries = 0, losses = 0, losses_alone = 0, loss_epoch = 0, retry_at = NULL
        WHERE sweep = @key AND active AND {Retryable}
        """);

    private static readonly Sql RunUnlessPaused = new(
        "UPDATE sweeps SET status = 'Running', finished = NULL WHERE key = @key AND status <> 'Paused'");

    public static int Retry(Session session, Coordinator coordinator)
    {
        session.Patience = Bulk;
        var (key, _) = CheckCoordinator(session, coordinator);
        session.Execute(LockRetryableTrials, ("@key", key));
        var retried = session.Execute(RetryTrials, ("@key", key));
        if (retried > 0)
            session.Execute(RunUnlessPaused, ("@key", key));
        return retried;
    }

    private static readonly Sql FenceTrialsOff = new("UPDATE trials SET fence = fence + 1, lease = NULL WHERE sweep = @key");

    private static readonly Sql DeleteSweep = new("UPDATE sweeps SET status = 'Deleted', fence = fence + 1 WHERE key = @key");

    public static bool Delete(Session session, Coordinator coordinator)
    {
        session.Patience = Bulk;
        var (key, _) = CheckCoordinator(session, coordinator);
        session.Execute(LockAllTrials, ("@key", key));
        session.Execute(FenceTrialsOff, ("@key", key));
        return session.Execute(DeleteSweep, ("@key", key)) > 0;
    }

    private static readonly Sql LockTombstone = new(dialect =>
        $"SELECT key FROM sweeps WHERE id = @id AND status = 'Deleted' AND resolved <> ''{dialect.ForUpdate}");

    private static readonly Sql FirstTrials = new("SELECT key, checkpoint FROM trials WHERE sweep = @key ORDER BY key LIMIT @trials");

    private static readonly Sql RemoveEpochs = new(
        "DELETE FROM epochs WHERE trial IN (SELECT key FROM trials WHERE sweep = @key AND key <= @last)");

    private static readonly Sql RemoveTrials = new("DELETE FROM trials WHERE sweep = @key AND key <= @last");

    private static readonly Sql RemoveCells = new("DELETE FROM cells WHERE sweep = @key");

    private static readonly Sql RemoveLeases = new("DELETE FROM leases WHERE sweep = @key");

    private static readonly Sql RemoveTexts = new("UPDATE sweeps SET text = '', resolved = '' WHERE key = @key");

    private static readonly Sql CheckpointsInUse = new(dialect =>
        $"SELECT DISTINCT checkpoint FROM trials WHERE checkpoint {dialect.InList("@files")}");

    public static RemovedChunk Remove(Session session, string sweepId, int trials)
    {
        session.Patience = Bulk;
        if (session.First(LockTombstone, row => row.GetInt64(0), ("@id", sweepId)) is not { } key)
            return new([], More: false);
        var chunk = session.Query(FirstTrials,
            row => (Key: row.GetInt64(0), Checkpoint: row.IsDBNull(1) ? null : row.GetString(1)), ("@key", key), ("@trials", trials));
        if (chunk.Count > 0)
        {
            (string, object?)[] values = [("@key", key), ("@last", chunk[^1].Key)];
            session.Execute(RemoveEpochs, values);
            session.Execute(RemoveTrials, values);
        }
        if (chunk.Count < trials)
        {
            session.Execute(RemoveCells, ("@key", key));
            session.Execute(RemoveLeases, ("@key", key));
            session.Execute(RemoveTexts, ("@key", key));
        }
        List<string> files = [.. chunk.Select(trial => trial.Checkpoint).OfType<string>().Distinct()];
        return new(
            [.. files.Except(session.Query(CheckpointsInUse, row => row.GetString(0), ("@files", session.Dialect.ListValue(files))))],
            More: chunk.Count >= trials);
    }

    private static readonly Sql InsertCells = new(dialect => $"""
        INSERT INTO cells (sweep, id, position, configuration, fusion_key, active)
        SELECT sweep, id, position, configuration, fusion_key, TRUE
        FROM {dialect.Rows("sweep", "id", "position", "configuration", "fusion_key")} WHERE TRUE
        ON CONFLICT (sweep, id) DO UPDATE SET position = excluded.position, active = TRUE
        """);

    private static readonly Sql InsertTrials = new("""
        WITH RECURSIVE replicates (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM replicates WHERE number < @replicates)
        INSERT INTO trials (sweep, cell, replicate, position, fusion_key, active, fence, attempt, epochs, seconds,
            tries, losses, losses_alone, loss_epoch)
        SELECT c.sweep, c.key, r.number, c.position, c.fusion_key, TRUE, 0, 0, 0, 0, 0, 0, 0, 0
        FROM replicates r CROSS JOIN cells c WHERE c.sweep = @sweep AND c.active ORDER BY r.number, c.position
        ON CONFLICT (cell, replicate) DO NOTHING
        """);

    private static readonly Sql AnalyzeTables = new(dialect => dialect.Analyze("sweeps", "cells", "trials"));

    /// <summary>Stores new cells and trials; known cells become active again, in their new order.</summary>
    private static void StoreTrials(Session session, long key, Sweep sweep)
    {
        // In parts: the rows of a large sweep would take more memory than all the rest.
        foreach (var part in sweep.Cells.Index().Chunk(CellsAtOnce))
            session.Execute(InsertCells, new RowSet<(int Position, Cell Cell)>(part)
                .With("sweep", _ => key).With("id", row => row.Cell.Id).With("position", row => row.Position)
                .With("configuration", row => row.Cell.Configuration.Json).With("fusion_key", row => row.Cell.Configuration.FusionKey));
        session.Execute(InsertTrials, ("@sweep", key), ("@replicates", sweep.Replicates));
        session.Execute(AnalyzeTables);
    }
}
