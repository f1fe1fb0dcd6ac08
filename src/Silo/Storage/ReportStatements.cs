using System.Collections.Immutable;
using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Sweeps;
using Microsoft.Data.Sqlite;

namespace DeepTrain.Cluster.Silo;

/// <summary>What workers report. The fence of a trial's latest lease is the only one that may write for it.</summary>
internal static class ReportStatements
{
    // A trial that failed for a reason that may pass pauses; each time twice as long.
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    /// <summary>Writes all in one transaction; where the data forbids that, in halves, until what cannot be written is alone.</summary>
    public static ImmutableArray<WriteVerdict> Write(SqliteSession session, ReadOnlyMemory<FencedReport> reports, DateTimeOffset now)
    {
        try
        {
            return session.InTransaction(() =>
            {
                var verdicts = ImmutableArray.CreateBuilder<WriteVerdict>(reports.Length);
                foreach (var report in reports.Span)
                    verdicts.Add(Write(session, report, now));
                return verdicts.MoveToImmutable();
            });
        }
        catch (SqliteException error) when (SqliteFailure.IsOfData(error))
        {
            var half = reports.Length / 2;
            return half == 0 ? [WriteVerdict.Invalid] : [.. Write(session, reports[..half], now), .. Write(session, reports[half..], now)];
        }
    }

    private static WriteVerdict Write(SqliteSession session, FencedReport fenced, DateTimeOffset now)
    {
        var (report, fence) = fenced;
        if (Find(session, report) is not { } trial)
            return WriteVerdict.Invalid;
        var known = trial.FenceOfEpoch == fence;
        var current = trial.Fence == fence && trial.Outcome is null && !trial.Deleted;
        if (report.Ending is { } ending)
        {
            if (trial.Outcome == $"{ending.Outcome}" && trial.Fence == fence && trial.Epochs == report.Epoch)
                return WriteVerdict.AlreadyAccepted;
        }
        else if (known)
        {
            if (current)
                WriteCheckpoint(session, trial.Key, fenced);
            return WriteVerdict.AlreadyAccepted;
        }
        if (!current)
            return WriteVerdict.Refused;
        if (report.Ending is { Outcome: Outcome.Failed, Failure: { } failure } && FailureClass.IsRetried(failure.Class)
            && trial.Tries + 1 < trial.MaxAttempts)
        {
            WriteRetry(session, trial, now);
            return WriteVerdict.WillRetry;
        }
        // A failure comes after its epoch, and says nothing of it.
        var saysEpoch = report is not ({ Ending.Failure: not null } or { Epoch: 0, Ending: not null });
        // What an earlier lease trained from here on is trained again now, or never was.
        if (trial.FenceOfLastEpoch is { } last && last != fence)
            DropEpochs(session, trial.Key, saysEpoch ? report.Epoch : report.Epoch + 1, fence);
        if (!known && saysEpoch)
            WriteEpoch(session, trial.Key, report, fence);
        if (report.Ending is not null)
            WriteEnding(session, trial.Key, report, report.Ending);
        else
            WriteCheckpoint(session, trial.Key, fenced);
        return WriteVerdict.Accepted;
    }

    /// <summary>What it has trained and saved stays; whoever leases it next goes on from there.</summary>
    private static void WriteRetry(SqliteSession session, TrialState trial, DateTimeOffset now)
    {
        var pause = TimeSpan.FromSeconds(Math.Min(LongestPause.TotalSeconds, Math.Pow(2, trial.Tries) * FirstPause.TotalSeconds));
        session.Execute("UPDATE trials SET tries = tries + 1, lease = NULL, fence = fence + 1, retry_at = @retryAt WHERE key = @trial",
            ("@trial", trial.Key), ("@retryAt", (now + pause).ToUnixTimeMilliseconds()));
    }

    private static TrialState? Find(SqliteSession session, EpochReport report) => session.First("""
        SELECT t.key, t.fence, t.outcome, t.epochs,
               (SELECT fence FROM epochs WHERE trial = t.key AND epoch = @epoch),
               (SELECT fence FROM epochs WHERE trial = t.key ORDER BY epoch DESC LIMIT 1),
               t.tries, s.max_attempts, s.status = 'Deleted'
        FROM sweeps s CROSS JOIN cells c CROSS JOIN trials t
        WHERE s.id = @sweep AND c.sweep = s.key AND c.id = @cell AND t.cell = c.key AND t.replicate = @replicate
        """,
        row => new TrialState(row.GetInt64(0), row.GetInt64(1), row.IsDBNull(2) ? null : row.GetString(2), row.GetInt32(3),
            row.IsDBNull(4) ? null : row.GetInt64(4), row.IsDBNull(5) ? null : row.GetInt64(5), row.GetInt32(6), row.GetInt32(7), row.GetBoolean(8)),
        ("@sweep", report.Trial.Sweep), ("@cell", report.Trial.Cell), ("@replicate", report.Trial.Replicate),
        ("@epoch", report.Epoch));

    /// <summary>Takes away what other fences wrote from an epoch on, and with it the checkpoint that goes on from there.</summary>
    private static void DropEpochs(SqliteSession session, long trial, int from, long fence)
    {
        session.Execute("DELETE FROM epochs WHERE trial = @trial AND epoch >= @epoch AND fence <> @fence",
            ("@trial", trial), ("@epoch", from), ("@fence", fence));
        session.Execute("UPDATE trials SET checkpoint = NULL, checkpoint_epoch = NULL WHERE key = @trial AND checkpoint_epoch >= @epoch",
            ("@trial", trial), ("@epoch", from));
    }

    private static void WriteEpoch(SqliteSession session, long trial, EpochReport report, long fence)
    {
        var ailments = report.Health is { } health ? (int)health.Ailments : (int?)null;
        session.Execute("""
            INSERT INTO epochs (trial, epoch, fence, train_loss, validation_loss, validation_accuracy, seconds, health, ailments)
            VALUES (@trial, @epoch, @fence, @trainLoss, @validationLoss, @validationAccuracy, @seconds, @health, @ailments)
            ON CONFLICT (trial, epoch) DO UPDATE SET fence = excluded.fence, train_loss = excluded.train_loss,
                validation_loss = excluded.validation_loss, validation_accuracy = excluded.validation_accuracy,
                seconds = excluded.seconds, health = excluded.health, ailments = excluded.ailments
            """,
            ("@trial", trial), ("@epoch", report.Epoch), ("@fence", fence), ("@trainLoss", Finite(report.TrainLoss)),
            ("@validationLoss", Finite(report.ValidationLoss)), ("@validationAccuracy", Finite(report.ValidationAccuracy)),
            ("@seconds", Finite(report.Seconds) ?? 0.0), ("@health", report.Health?.Pack()), ("@ailments", ailments));
        if (report.Epoch == 0)
            session.Execute("UPDATE trials SET ailments_start = @ailments WHERE key = @trial", ("@trial", trial), ("@ailments", ailments));
    }

    /// <summary>Whatever its trial goes on from, it does so after an epoch that is stored, and under the fence of whoever saved it.</summary>
    private static void WriteCheckpoint(SqliteSession session, long trial, FencedReport fenced)
    {
        if (fenced.Checkpoint is { } checkpoint)
            session.Execute("UPDATE trials SET checkpoint = @checkpoint, checkpoint_epoch = @epoch WHERE key = @trial",
                ("@trial", trial), ("@checkpoint", checkpoint), ("@epoch", fenced.Report.Epoch));
    }

    private static void WriteEnding(SqliteSession session, long trial, EpochReport report, Ending ending) => session.Execute("""
        UPDATE trials SET outcome = @outcome, lease = NULL, train_loss = @trainLoss, validation_loss = @validationLoss,
            validation_accuracy = @validationAccuracy, test_loss = @testLoss, test_accuracy = @testAccuracy,
            failure_class = @failureClass, failure_message = @failureMessage, failure_log = @failureLog, epochs = @epochs, ailments_end = @ailments,
            checkpoint = NULL, checkpoint_epoch = NULL,
            seconds = (SELECT COALESCE(SUM(seconds), 0.0) FROM epochs WHERE trial = @trial)
        WHERE key = @trial
        """,
        ("@trial", trial), ("@outcome", $"{ending.Outcome}"), ("@trainLoss", Finite(report.TrainLoss)),
        ("@validationLoss", Finite(report.ValidationLoss)), ("@validationAccuracy", Finite(report.ValidationAccuracy)),
        ("@testLoss", Finite(ending.TestLoss)), ("@testAccuracy", Finite(ending.TestAccuracy)),
        ("@failureClass", ending.Failure?.Class), ("@failureMessage", ending.Failure?.Message),
        ("@failureLog", ending.Failure?.Log), ("@epochs", report.Epoch),
        ("@ailments", report.Health is { } health ? (int)health.Ailments : null));

    private static double? Finite(double? number) => number is { } value && double.IsFinite(value) ? value : null;

    /// <param name="FenceOfEpoch">Under which the report's epoch is stored; null if it is not.</param>
    /// <param name="FenceOfLastEpoch">Under which the highest epoch is stored; null if there is none.</param>
    private readonly record struct TrialState(
        long Key, long Fence, string? Outcome, int Epochs, long? FenceOfEpoch, long? FenceOfLastEpoch, int Tries, int MaxAttempts, bool Deleted);
}
