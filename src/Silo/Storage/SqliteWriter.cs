using System.Threading.Channels;
using Microsoft.Data.Sqlite;

namespace DeepTrain.Cluster.Silo;

/// <summary>The one thread that writes, and the one connection it owns. What it is given runs one after another, in order.</summary>
/// <remarks>
/// Making a transaction durable costs more than most of what is done in one. So the calls that wait while one is made durable share the
/// next. If one of them fails, nothing of that is stored, and each runs by itself: what a call meets never depends on the others.
/// </remarks>
internal sealed class SqliteWriter : IAsyncDisposable
{
    /// <summary>The most calls in one transaction, so that none waits long for those after it.</summary>
    private const int LargestGroup = 64;

    private readonly Channel<ICall> _calls = Channel.CreateUnbounded<ICall>(new() { SingleReader = true });
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string _path;
    private Session? _session;

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
                writer._session = new(connection, SqliteDialect.Instance);
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

    /// <summary>Runs outside of any transaction.</summary>
    /// <exception cref="StoreException">The database refused.</exception>
    public Task<T> RunAsync<T>(Func<Session, T> work) => EnqueueAsync(() => work(_session!));

    /// <summary>Runs as one transaction that is durable when the task ends.</summary>
    /// <param name="work">Runs again if what it wrote was rolled back for another's failure.</param>
    /// <exception cref="StoreException">The database refused; nothing of this call is stored, and later calls may succeed.</exception>
    public Task<T> TransactAsync<T>(Func<Session, T> work) => ShareAsync(session => session.InTransaction(() => work(session)));

    /// <summary>Like <see cref="TransactAsync{T}"/>, of work that begins its transactions by itself, one for each try.</summary>
    public Task<T> ShareAsync<T>(Func<Session, T> work) => EnqueueAsync(() => work(_session!), shares: true);

    /// <summary>Ends what was given before, then closes the connection.</summary>
    public async ValueTask DisposeAsync()
    {
        _calls.Writer.TryComplete();
        await _ended.Task;
    }

    private Task<T> EnqueueAsync<T>(Func<T> work, bool shares = false)
    {
        var call = new Call<T>(work, shares, _path);
        return _calls.Writer.TryWrite(call) ? call.Answer : Task.FromException<T>(new ObjectDisposedException(nameof(SqliteSweepStore)));
    }

    private void RunWork()
    {
        var group = new List<ICall>(LargestGroup);
        // Blocking is what this thread is for: whoever awaits anything on it could go on elsewhere.
        foreach (var first in _calls.Reader.ReadAllAsync().ToBlockingEnumerable())
        {
            group.Add(first);
            while (group[^1].Shares && group.Count < LargestGroup && _calls.Reader.TryRead(out var next))
                group.Add(next);
            // One that does not share ends the group, and runs after it.
            var alone = group[^1].Shares ? null : group[^1];
            if (alone is not null)
                group.RemoveAt(group.Count - 1);
            RunGroup(group);
            alone?.Run();
            alone?.Conclude();
            group.Clear();
        }
        _session?.Dispose();
        _ended.SetResult();
    }

    private void RunGroup(List<ICall> group)
    {
        if (group.Count > 1 && !TryTogether(group))
            group.ForEach(call => call.Forget());
        foreach (var call in group)
        {
            if (!call.HasRun)
                call.Run();
            call.Conclude();
        }
    }

    private bool TryTogether(List<ICall> group)
    {
        try
        {
            return _session!.InTransaction(() =>
            {
                group.ForEach(call => call.Run());
                return true;
            });
        }
        catch (Exception error) when (error is TransactionSpoiledException or SqliteException)
        {
            return false;
        }
    }

    /// <summary>What somebody waits for.</summary>
    private interface ICall
    {
        /// <summary>Whether it may run in a transaction with others.</summary>
        bool Shares { get; }

        bool HasRun { get; }

        /// <summary>Remembers the result or the exception.</summary>
        void Run();

        /// <summary>What it did is undone; it has to run again.</summary>
        void Forget();

        /// <summary>Tells the caller, now that it is durable.</summary>
        void Conclude();
    }

    private sealed class Call<T>(Func<T> work, bool shares, string path) : ICall
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T? _result;
        private Exception? _error;

        public Task<T> Answer => _done.Task;

        public bool Shares => shares;

        public bool HasRun { get; private set; }

        public void Run()
        {
            HasRun = true;
            try
            {
                _result = work();
            }
            catch (SqliteException error)
            {
                _error = SqliteFailure.Explain(error, path);
            }
#pragma warning disable CA1031 // Whatever it is belongs to the caller that awaits it, not to this thread.
            catch (Exception error)
#pragma warning restore CA1031
            {
                _error = error;
            }
        }

        public void Forget() => (HasRun, _result, _error) = (false, default, null);

        public void Conclude()
        {
            if (_error is { } error)
                _done.SetException(error);
            else
                _done.SetResult(_result!);
        }
    }
}
