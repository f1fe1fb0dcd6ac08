using System.Threading.Channels;
using Microsoft.Data.Sqlite;

namespace DeepTrain.Cluster.Silo;

/// <summary>The one thread that writes, and the one connection it owns. What it is given runs one after another, in order.</summary>
internal sealed class SqliteWriter : IAsyncDisposable
{
    private readonly Channel<Action> _work = Channel.CreateUnbounded<Action>(new() { SingleReader = true });
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string _path;
    private SqliteSession? _session;

    private SqliteWriter(string path)
    {
        _path = path;
        new Thread(RunWork) { IsBackground = true, Name = "sweep store" }.Start();
    }

    /// <param name="prepare">What the connection needs before anything else runs on it.</param>
    /// <exception cref="StoreException">The database cannot be opened.</exception>
    public static async Task<SqliteWriter> OpenAsync(string path, Action<SqliteConnection> prepare)
    {
        var writer = new SqliteWriter(path);
        try
        {
            await writer.EnqueueAsync(() =>
            {
                // Not pooled: disposing must really close it, so that SQLite empties and removes its log.
                var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
                writer._session = new(connection);
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
    public Task<T> RunAsync<T>(Func<SqliteSession, T> work) => EnqueueAsync(() => work(_session!));

    /// <summary>Like <see cref="RunAsync{T}"/>, as one transaction that is durable when the task ends.</summary>
    public Task<T> TransactAsync<T>(Func<SqliteSession, T> work) => RunAsync(session => session.InTransaction(() => work(session)));

    /// <summary>Ends what was given before, then closes the connection.</summary>
    public async ValueTask DisposeAsync()
    {
        _work.Writer.TryComplete();
        await _ended.Task;
    }

    private Task<T> EnqueueAsync<T>(Func<T> work)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var accepted = _work.Writer.TryWrite(() =>
        {
            try
            {
                done.SetResult(work());
            }
            catch (SqliteException error)
            {
                done.SetException(SqliteFailure.Explain(error, _path));
            }
#pragma warning disable CA1031 // Whatever it is belongs to the caller that awaits it, not to this thread.
            catch (Exception error)
#pragma warning restore CA1031
            {
                done.SetException(error);
            }
        });
        return accepted ? done.Task : Task.FromException<T>(new ObjectDisposedException(nameof(SqliteSweepStore)));
    }

    private void RunWork()
    {
        // Blocking is what this thread is for: whoever awaits anything on it could go on elsewhere.
        foreach (var work in _work.Reader.ReadAllAsync().ToBlockingEnumerable())
            work();
        _session?.Dispose();
        _ended.SetResult();
    }
}
