using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>A data folder's database, looked into from outside while processes write it.</summary>
internal sealed class StoreFile(string path)
{
    /// <summary>The trials of a sweep in the order of cell and replicate; none while there is no such sweep, or no schema yet.</summary>
    public IReadOnlyList<StoredTrial> Trials(string sweep)
    {
        var epochs = Query("""
            SELECT e.trial, e.epoch, e.fence, e.train_loss, e.validation_loss, e.validation_accuracy
            FROM sweeps s JOIN trials t ON t.sweep = s.key JOIN epochs e ON e.trial = t.key
            WHERE s.id = @sweep ORDER BY e.trial, e.epoch
            """, sweep,
            row => (Trial: row.GetInt64(0), Epoch: new StoredEpoch(
                row.GetInt32(1), row.GetInt64(2), Number(row, 3), Number(row, 4), Number(row, 5))))
            .ToLookup(row => row.Trial, row => row.Epoch);
        return Query("""
            SELECT t.key, c.id, t.replicate, t.outcome, t.fence, t.attempt, t.train_loss, t.validation_loss, t.validation_accuracy,
                   t.test_loss, t.test_accuracy
            FROM sweeps s JOIN cells c ON c.sweep = s.key JOIN trials t ON t.cell = c.key
            WHERE s.id = @sweep ORDER BY c.position, t.replicate
            """, sweep,
            row => new StoredTrial(
                row.GetString(1), row.GetInt32(2), row.IsDBNull(3) ? null : row.GetString(3), row.GetInt64(4), row.GetInt32(5),
                new(Number(row, 6), Number(row, 7), Number(row, 8), Number(row, 9), Number(row, 10)),
                [.. epochs[row.GetInt64(0)]]));
    }

    /// <summary>Every number of every trial's gradients, as it lies in the store.</summary>
    public IEnumerable<float> HealthNumbers() => Query("SELECT health FROM epochs WHERE health IS NOT NULL AND @sweep = ''", "",
        row => row.GetFieldValue<byte[]>(0)).SelectMany(bytes => MemoryMarshal.Cast<byte, float>(bytes).ToArray());

    public int Ended(string sweep) => Trials(sweep).Count(trial => trial.Outcome is not null);

    public string? Status(string sweep) =>
        Query("SELECT status FROM sweeps WHERE id = @sweep", sweep, row => row.GetString(0)).SingleOrDefault();

    /// <summary>Whether a process is migrating, or has been killed while it was, or has just migrated.</summary>
    public bool HasBegunToMigrate() =>
        Query("SELECT name FROM sqlite_master WHERE name = @sweep", "__EFMigrationsLock", row => row.GetString(0)).Count > 0;

    private List<T> Query<T>(string sql, string sweep, Func<SqliteDataReader, T> read)
    {
        var rows = new List<T>();
        if (!File.Exists(path))
            return rows;
        try
        {
            using var connection = new SqliteConnection($"Data Source={path};Mode=ReadOnly;Pooling=False");
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            command.Parameters.AddWithValue("@sweep", sweep);
            using var reader = command.ExecuteReader();
            while (reader.Read())
                rows.Add(read(reader));
        }
        catch (SqliteException error) when (IsNotReadyYet(error))
        {
            rows.Clear();
        }
        return rows;
    }

    // SQLITE_ERROR (no such table), SQLITE_BUSY, SQLITE_READONLY (its log is not made or mended yet), SQLITE_CANTOPEN: it is being made.
    private static bool IsNotReadyYet(SqliteException error) => error.SqliteErrorCode is 1 or 5 or 8 or 14;

    private static double? Number(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetDouble(column);
}

internal sealed record StoredTrial(
    string Cell, int Replicate, string? Outcome, long Fence, int Attempt, StoredMetrics Metrics, StoredEpoch[] Epochs)
{
    public string Id => $"{Cell}/r{Replicate}";

    /// <summary>What a result depends on configuration, replicate and data for: all but who trained it when.</summary>
    public object Result => (Id, Outcome, Metrics, string.Join(' ', Epochs.Select(epoch => epoch with { Fence = 0 })));

    /// <summary>Everything, to see whether anybody touched it.</summary>
    public object Everything => (Id, Outcome, Fence, Attempt, Metrics, string.Join(' ', Epochs.AsEnumerable()));
}

internal sealed record StoredMetrics(
    double? TrainLoss, double? ValidationLoss, double? ValidationAccuracy, double? TestLoss, double? TestAccuracy);

internal sealed record StoredEpoch(int Epoch, long Fence, double? TrainLoss, double? ValidationLoss, double? ValidationAccuracy);
