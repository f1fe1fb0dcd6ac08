using DeepTrain.Cluster.Silo.Storage.Sessions;
using Microsoft.Data.Sqlite;

namespace DeepTrain.Cluster.Silo.Storage.Sqlite;

/// <summary>Reads a database, whether or not another process is writing it; a database that does not exist yet holds no sweep.</summary>
public sealed class SqliteSweepReader(string path) : SweepReader
{
    private volatile bool _ready;

    /// <summary>Reads one state of the database on another thread: SQLite has no asynchronous I/O.</summary>
    private protected override Task<T> ReadAsync<T>(
        Func<Snapshot, Task<T>> read, T none, CancellationToken cancellation) => Task.Run(async () =>
    {
        if (!File.Exists(path))
            return none;
        try
        {
            using var connection = Open();
            if (!_ready && !(_ready = SqliteDatabase.IsReady(connection)))
                return none;
            using var transaction = connection.BeginTransaction(deferred: true);
            return await read(new(transaction, SqliteDialect.Instance, cancellation));
        }
        catch (SqliteException error)
        {
            throw SqliteFailure.Explain(error, path);
        }
    }, cancellation);

    private SqliteConnection Open()
    {
        try
        {
            return Open(path);
        }
        // In a read-only folder, readers cannot create the files that coordinate them with a writer. If no writer has left a log, the
        // database is complete as it is.
        catch (SqliteException error) when (SqliteFailure.IsCannotOpen(error) && !File.Exists($"{path}-wal"))
        {
            return Open($"file:{string.Join('/', Path.GetFullPath(path).Split('/').Select(Uri.EscapeDataString))}?immutable=1");
        }
    }

    private static SqliteConnection Open(string source)
    {
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = source, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        try
        {
            connection.Open();
            // SQLite opens the file only at the first access.
            using var look = connection.CreateCommand();
            look.CommandText = "SELECT 1 FROM sqlite_master";
            look.ExecuteScalar();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}
