using System.Data.Common;
using System.Globalization;
using System.Security.Cryptography;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>A store, looked into from outside while processes write it.</summary>
internal abstract class StoredSweeps
{
    /// <summary>The trials of a sweep in the order of cell and replicate; none while there is no such sweep, or no schema yet.</summary>
    public IReadOnlyList<StoredTrial> Trials(string sweep)
    {
        // The trials first: of one that has ended all epochs are there when they are asked for afterwards.
        var trials = Query("""
            SELECT t.key, c.id, t.replicate, t.outcome, t.fence, t.attempt, t.train_loss, t.validation_loss, t.validation_accuracy,
                   t.test_loss, t.test_accuracy, t.epochs, t.ailments_start, t.ailments_end, t.failure_class, t.failure_message, t.lease
            FROM sweeps s JOIN cells c ON c.sweep = s.key JOIN trials t ON t.cell = c.key
            WHERE s.id = @sweep ORDER BY c.position, t.replicate
            """, sweep,
            row => (Key: row.GetInt64(0), Trial: new StoredTrial(
                row.GetString(1), row.GetInt32(2), Text(row, 3), row.GetInt64(4), row.GetInt32(5),
                new(Number(row, 6), Number(row, 7), Number(row, 8), Number(row, 9), Number(row, 10), row.GetInt32(11), Text(row, 12), Text(row, 13)), [])
                { FailureClass = Text(row, 14), FailureMessage = Text(row, 15), Lease = Text(row, 16) }));
        var epochs = Query("""
            SELECT e.trial, e.epoch, e.fence, e.train_loss, e.validation_loss, e.validation_accuracy, e.health, e.ailments, e.seconds
            FROM sweeps s JOIN trials t ON t.sweep = s.key JOIN epochs e ON e.trial = t.key
            WHERE s.id = @sweep ORDER BY e.trial, e.epoch
            """, sweep,
            row => (Trial: row.GetInt64(0), Epoch: new StoredEpoch(
                row.GetInt32(1), row.GetInt64(2), Number(row, 3), Number(row, 4), Number(row, 5), Digest(row, 6), Text(row, 7)) { Seconds = row.GetDouble(8) }))
            .ToLookup(row => row.Trial, row => row.Epoch);
        return [.. trials.Select(row => row.Trial with { Epochs = [.. epochs[row.Key]] })];
    }

    public int Ended(string sweep) => (int)Query("""
        SELECT count(*) FROM sweeps s JOIN trials t ON t.sweep = s.key WHERE s.id = @sweep AND t.outcome IS NOT NULL
        """, sweep, row => row.GetInt64(0)).SingleOrDefault();

    /// <summary>How many epochs of a sweep are durable.</summary>
    public int EpochCount(string sweep) => (int)Query("""
        SELECT count(*) FROM sweeps s JOIN trials t ON t.sweep = s.key JOIN epochs e ON e.trial = t.key WHERE s.id = @sweep
        """, sweep, row => row.GetInt64(0)).SingleOrDefault();

    public string? Status(string sweep) =>
        Query("SELECT status FROM sweeps WHERE id = @sweep", sweep, row => row.GetString(0)).SingleOrDefault();

    protected abstract DbConnection Connect();

    /// <summary>Whether an error only says that the store is being made.</summary>
    protected abstract bool IsNotReadyYet(DbException error);

    protected List<T> Query<T>(string sql, string sweep, Func<DbDataReader, T> read)
    {
        var rows = new List<T>();
        try
        {
            using var connection = Connect();
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = ("sweep", sweep);
            command.Parameters.Add(parameter);
            using var reader = command.ExecuteReader();
            while (reader.Read())
                rows.Add(read(reader));
        }
        catch (DbException error) when (IsNotReadyYet(error))
        {
            rows.Clear();
        }
        return rows;
    }

    protected static double? Number(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetDouble(column);

    protected static string? Text(DbDataReader row, int column) =>
        row.IsDBNull(column) ? null : Convert.ToString(row.GetValue(column), CultureInfo.InvariantCulture);

    private static string? Digest(DbDataReader row, int column) =>
        row.IsDBNull(column) ? null : Convert.ToHexString(SHA256.HashData(row.GetFieldValue<byte[]>(column)), 0, 8);
}

internal sealed record StoredTrial(
    string Cell, int Replicate, string? Outcome, long Fence, int Attempt, StoredMetrics Metrics, StoredEpoch[] Epochs)
{
    public string Id => $"{Cell}/r{Replicate}";

    public string? FailureClass { get; init; }

    public string? FailureMessage { get; init; }

    /// <summary>Which lease holds it now; null: none.</summary>
    public string? Lease { get; init; }

    /// <summary>How often it went on from a checkpoint that another lease had left.</summary>
    public int Resumes => Epochs.Select(epoch => epoch.Fence).Distinct().Count() - (Epochs.Length > 0 ? 1 : 0);

    /// <summary>What a result depends on configuration, replicate and data for: all but who trained it when.</summary>
    public object Result => (Id, Outcome, Metrics, FailureClass, string.Join(' ', Epochs.Select(epoch => epoch with { Fence = 0, Seconds = 0 })));

    /// <summary>Everything, to see whether anybody touched it.</summary>
    public object Everything => (Id, Outcome, Fence, Attempt, Metrics, FailureClass, string.Join(' ', Epochs.AsEnumerable()));
}

internal sealed record StoredMetrics(
    double? TrainLoss, double? ValidationLoss, double? ValidationAccuracy, double? TestLoss, double? TestAccuracy, int Epochs,
    string? AilmentsStart, string? AilmentsEnd);

/// <param name="Health">A digest of every number of the gradients.</param>
internal sealed record StoredEpoch(
    int Epoch, long Fence, double? TrainLoss, double? ValidationLoss, double? ValidationAccuracy, string? Health, string? Ailments)
{
    /// <summary>Its share of the time of whatever trained it.</summary>
    public double Seconds { get; init; }
}
