using DeepTrain.Cluster.Silo.Storage.Sessions;
using Microsoft.Data.Sqlite;

namespace DeepTrain.Cluster.Silo.Storage.Sqlite;

/// <summary>The only connection that writes to a folder's database. It stays open until its thread ends.</summary>
internal sealed class SqliteLink : IStoreLink
{
    private readonly string _path;
    private readonly Action<SqliteConnection> _prepare;
    private Session? _session;

    /// <param name="prepare">Prepares the connection before anything else runs on it.</param>
    public SqliteLink(string path, Action<SqliteConnection> prepare) => (_path, _prepare) = (path, prepare);

    public TimeSpan LongestWait => TimeSpan.MaxValue;

    public Session Open()
    {
        if (_session is { } open)
            return open;
        // Not pooled: disposing must really close it, so that SQLite empties and removes its log.
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = _path, Pooling = false }.ToString());
        try
        {
            connection.Open();
            _prepare(connection);
            return _session = new(connection, SqliteDialect.Instance);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public void DropLostSession()
    {
    }

    public Exception Explain(Exception? failure) => failure is SqliteException error ? SqliteFailure.Explain(error, _path) : failure!;

    public void Dispose() => _session?.Dispose();
}
