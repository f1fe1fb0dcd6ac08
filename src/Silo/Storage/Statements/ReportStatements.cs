using System.Collections.Immutable;
using System.Text;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Storage.Sessions;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Storage.Statements;

/// <summary>
/// Writes the reports of workers in batches: locks and reads the rows of the trials, judges each report in order, and writes the
/// results.
/// </summary>
internal static class ReportStatements
{
    /// <summary>Writes all in one transaction; if the data prevents that, in halves, until each unwritable report is alone.</summary>
    public static ImmutableArray<WriteVerdict> Write(Session session, ReadOnlyMemory<FencedReport> reports)
    {
        try
        {
            return session.InTransaction(() => WriteAll(session, reports));
        }
        catch (Exception error) when (session.Dialect.IsOfData(error))
        {
            var half = reports.Length / 2;
            return half == 0 ? [WriteVerdict.Invalid] : [.. Write(session, reports[..half]), .. Write(session, reports[half..])];
        }
    }

    private static ImmutableArray<WriteVerdict> WriteAll(Session session, ReadOnlyMemory<FencedReport> reports)
    {
        var trials = Load(session, reports);
        var verdicts = ImmutableArray.CreateBuilder<WriteVerdict>(reports.Length);
        foreach (var report in reports.Span)
            verdicts.Add(trials.TryGetValue(report.Report.Trial, out var trial) ? trial.Judge(report) : WriteVerdict.Invalid);
        Store(session, trials.Values);
        return verdicts.MoveToImmutable();
    }

    private static readonly Sql LockReported = new(dialect => $"""
        SELECT r.sweep, r.cell, r.replicate, t.key, s.status = 'Deleted', s.max_attempts, t.fence, t.outcome, t.epochs, t.tries,
               t.checkpoint, t.checkpoint_epoch, t.ailments_start
        FROM {dialect.Rows("sweep", "cell", "replicate")} CROSS JOIN sweeps s CROSS JOIN cells c CROSS JOIN trials t
        WHERE s.id = r.sweep AND c.sweep = s.key AND c.id = r.cell AND t.cell = c.key AND t.replicate = r.replicate
        ORDER BY t.key{dialect.ForUpdateOf("t")}
        """);

    private static Dictionary<TrialId, ReportedTrial> Load(Session session, ReadOnlyMemory<FencedReport> reports)
    {
        var ids = new HashSet<TrialId>();
        foreach (var report in reports.Span)
            ids.Add(report.Report.Trial);
        var named = new RowSet<TrialId>(ids)
            .With("sweep", id => id.Sweep).With("cell", id => id.Cell).With("replicate", id => id.Replicate);
        var trials = session.Query(LockReported,
            row => (Id: new TrialId(row.GetString(0), row.GetString(1), row.GetInt32(2)),
                Trial: new ReportedTrial(row.GetInt64(3), row.GetBoolean(4), row.GetInt32(5))
                {
                    Fence = row.GetInt64(6),
                    Outcome = row.IsDBNull(7) ? null : row.GetString(7),
                    Epochs = row.GetInt32(8),
                    Tries = row.GetInt32(9),
                    Checkpoint = row.IsDBNull(10) ? null : row.GetString(10),
                    CheckpointEpoch = row.IsDBNull(11) ? null : row.GetInt32(11),
                    AilmentsStart = row.IsDBNull(12) ? null : (Ailments)row.GetInt32(12),
                }),
            named).ToDictionary(row => row.Id, row => row.Trial);
        LoadEpochs(session, trials, reports);
        return trials;
    }

    private static readonly Sql FencesOfEpochs = new(dialect => $"""
        SELECT r.trial, r.epoch, (SELECT e.fence FROM epochs e WHERE e.trial = r.trial AND e.epoch = r.epoch),
               (SELECT e.fence FROM epochs e WHERE e.trial = r.trial ORDER BY e.epoch DESC LIMIT 1)
        FROM {dialect.Rows("trial", "epoch")}
        """);

    private static void LoadEpochs(Session session, Dictionary<TrialId, ReportedTrial> trials, ReadOnlyMemory<FencedReport> reports)
    {
        var asked = new HashSet<(long Trial, int Epoch)>();
        foreach (var report in reports.Span)
        {
            if (trials.TryGetValue(report.Report.Trial, out var trial))
                asked.Add((trial.Key, report.Report.Epoch));
        }
        var byKey = trials.Values.ToDictionary(trial => trial.Key);
        var named = new RowSet<(long Trial, int Epoch)>(asked).With("trial", row => row.Trial).With("epoch", row => row.Epoch);
        foreach (var (key, epoch, fence, last) in session.Query(FencesOfEpochs,
            row => (row.GetInt64(0), row.GetInt32(1), row.IsDBNull(2) ? (long?)null : row.GetInt64(2), row.IsDBNull(3) ? (long?)null : row.GetInt64(3)),
            named))
        {
            byKey[key].LastFence = last;
            if (fence is { } by)
                byKey[key].FenceOfEpoch[epoch] = by;
        }
    }

    private static void Store(Session session, IReadOnlyCollection<ReportedTrial> trials)
    {
        DropEpochs(session, [.. trials.Where(trial => trial.DropFrom is not null)]);
        WriteEpochs(session, [.. trials.SelectMany(trial => trial.Written, (trial, written) => (trial.Key, written.Report, written.Fence))]);
        Touch(session, [.. trials.Where(trial => trial.IsTouched)]);
        Retry(session, [.. trials.Where(trial => trial.Pause is not null)]);
        End(session, [.. trials.Where(trial => trial.Ended is not null)]);
    }

    private static readonly Sql DeleteEpochs = new(dialect => $"""
        DELETE FROM epochs WHERE (trial, epoch) IN (
            SELECT e.trial, e.epoch FROM {dialect.Rows("trial", "first", "fence")} CROSS JOIN epochs e
            WHERE e.trial = r.trial AND e.epoch >= r.first AND e.fence <> r.fence)
        """);

    private static void DropEpochs(Session session, List<ReportedTrial> trials)
    {
        if (trials.Count == 0)
            return;
        var rows = new RowSet<ReportedTrial>(trials)
            .With("trial", trial => trial.Key).With("first", trial => trial.DropFrom!.Value.Epoch)
            .With("fence", trial => trial.DropFrom!.Value.Fence);
        session.Execute(DeleteEpochs, rows);
    }

    private static readonly Sql UpsertEpochs = new(dialect => $"""
        INSERT INTO epochs (trial, epoch, fence, train_loss, validation_loss, validation_accuracy, seconds, health, ailments)
        SELECT trial, epoch, fence, train_loss, validation_loss, validation_accuracy, seconds, health, ailments
        FROM {dialect.Rows("trial", "epoch", "fence", "train_loss", "validation_loss", "validation_accuracy", "seconds", "health", "ailments")} WHERE TRUE
        ON CONFLICT (trial, epoch) DO UPDATE SET fence = excluded.fence, train_loss = excluded.train_loss,
            validation_loss = excluded.validation_loss, validation_accuracy = excluded.validation_accuracy,
            seconds = excluded.seconds, health = excluded.health, ailments = excluded.ailments
        """);

    private static void WriteEpochs(Session session, List<(long Trial, EpochReport Report, long Fence)> epochs)
    {
        if (epochs.Count == 0)
            return;
        var rows = new RowSet<(long Trial, EpochReport Report, long Fence)>(epochs)
            .With("trial", row => row.Trial).With("epoch", row => row.Report.Epoch).With("fence", row => row.Fence)
            .With("train_loss", row => Finite(row.Report.TrainLoss)).With("validation_loss", row => Finite(row.Report.ValidationLoss))
            .With("validation_accuracy", row => Finite(row.Report.ValidationAccuracy))
            .With("seconds", row => Finite(row.Report.Seconds) ?? 0.0).With("health", row => row.Report.Health?.Pack())
            .With("ailments", row => (int?)row.Report.Health?.Ailments);
        session.Execute(UpsertEpochs, rows);
    }

    private static readonly Sql SetCheckpoints = new(dialect => $"""
        UPDATE trials SET checkpoint = r.saved, checkpoint_epoch = r.saved_epoch, ailments_start = r.start
        FROM {dialect.Rows("trial", "saved", "saved_epoch", "start")} WHERE trials.key = r.trial
        """);

    private static void Touch(Session session, List<ReportedTrial> trials)
    {
        if (trials.Count == 0)
            return;
        var rows = new RowSet<ReportedTrial>(trials)
            .With("trial", trial => trial.Key).With("saved", trial => trial.Checkpoint).With("saved_epoch", trial => trial.CheckpointEpoch)
            .With("start", trial => (int?)trial.AilmentsStart);
        session.Execute(SetCheckpoints, rows);
    }

    private static readonly Sql PauseTrials = new(dialect => $"""
        UPDATE trials SET tries = tries + 1, lease = NULL, fence = fence + 1, retry_at = r.again
        FROM {dialect.Rows("trial", "again")} WHERE trials.key = r.trial
        """);

    private static void Retry(Session session, List<ReportedTrial> trials)
    {
        if (trials.Count == 0)
            return;
        var now = session.Now;
        var rows = new RowSet<ReportedTrial>(trials)
            .With("trial", trial => trial.Key).With("again", trial => now + (long)trial.Pause!.Value.TotalMilliseconds);
        session.Execute(PauseTrials, rows);
    }

    private static readonly Sql EndTrials = new(dialect => $"""
        UPDATE trials SET outcome = r.ended, lease = NULL, train_loss = r.loss, validation_loss = r.loss_validation,
            validation_accuracy = r.accuracy_validation, test_loss = r.loss_test, test_accuracy = r.accuracy_test,
            failure_class = r.class, failure_message = r.message, failure_log = r.log, epochs = r.last, ailments_end = r.ailments,
            checkpoint = NULL, checkpoint_epoch = NULL,
            seconds = (SELECT COALESCE(SUM(e.seconds), 0.0) FROM epochs e WHERE e.trial = trials.key)
        FROM {dialect.Rows("trial", "ended", "loss", "loss_validation", "accuracy_validation", "loss_test", "accuracy_test", "class", "message", "log", "last", "ailments")} WHERE trials.key = r.trial
        """);

    private static void End(Session session, List<ReportedTrial> trials)
    {
        if (trials.Count == 0)
            return;
        var rows = new RowSet<ReportedTrial>(trials)
            .With("trial", trial => trial.Key).With("ended", trial => trial.Outcome)
            .With("loss", trial => Finite(trial.Ended!.TrainLoss)).With("loss_validation", trial => Finite(trial.Ended!.ValidationLoss))
            .With("accuracy_validation", trial => Finite(trial.Ended!.ValidationAccuracy))
            .With("loss_test", trial => Finite(trial.Ended!.Ending!.TestLoss))
            .With("accuracy_test", trial => Finite(trial.Ended!.Ending!.TestAccuracy))
            .With("class", trial => trial.Ended!.Ending!.Failure?.Class)
            .With("message", trial => Storable(trial.Ended!.Ending!.Failure?.Message))
            .With("log", trial => Storable(trial.Ended!.Ending!.Failure?.Log))
            .With("last", trial => trial.Epochs).With("ailments", trial => (int?)trial.Ended!.Health?.Ailments);
        session.Execute(EndTrials, rows);
    }

    private static double? Finite(double? number) => number is { } value && double.IsFinite(value) ? value : null;

    /// <summary>Replaces what no database can store as text: a zero character, or half of a surrogate pair.</summary>
    private static string? Storable(string? text) =>
        text is null ? null : Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)).Replace('\0', '\uFFFD');
}
