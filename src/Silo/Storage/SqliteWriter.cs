using Microsoft.Data.Sqlite;

namespace DeepTrain.Cluster.Silo;

/// <summary>The one thread that writes, and the one connection it owns. What it is given runs one after another, in order.</summary>
internal sealed class SqliteWriter : IAsyncDisposable
{
    private readonly string _path;
    private readonly WorkThreads<Owned> _thread = new("sweep store", new Owned());

    private SqliteWriter(string path) => _path = path;

    /// <param name="prepare">What the connection needs before anything else runs on it.</param>
    /// <exception cref="StoreException">The database cannot be opened.</exception>
    public static async Task<SqliteWriter> OpenAsync(string path, Action<SqliteConnection> prepare)
    {
        var writer = new SqliteWriter(path);
        try
        {
            await writer.ExplainAsync(owned =>
            {
                // Not pooled: disposing must really close it, so that SQLite empties and removes its log.
                var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
                owned.Session = new(connection, SqliteDialect.Instance);
                connection.Open();
                prepare(connection);
                return true;
            });
            return writer;
        }
        catch
        {
            await writer.DisposeAsync();
            throw;
        }
    }

    /// <exception cref="StoreException">The database refused; nothing of this call is stored, and later calls may succeed.</exception>
    public Task<T> RunAsync<T>(Func<Session, T> work) => ExplainAsync(owned => work(owned.Session!));

    /// <summary>Like <see cref="RunAsync{T}"/>, as one transaction that is durable when the task ends.</summary>
    public Task<T> TransactAsync<T>(Func<Session, T> work) => RunAsync(session => session.InTransaction(() => work(session)));

    /// <summary>Ends what was given before, then closes the connection.</summary>
    public ValueTask DisposeAsync() => _thread.DisposeAsync();

    private Task<T> ExplainAsync<T>(Func<Owned, T> work) => _thread.RunAsync(owned =>
    {
        try
        {
            return work(owned);
        }
        catch (SqliteException error)
        {
            throw SqliteFailure.Explain(error, _path);
        }
    });

    private sealed class Owned : IDisposable
    {
        public Session? Session { get; set; }

        public void Dispose() => Session?.Dispose();
    }
}
