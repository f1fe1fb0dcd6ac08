using System.Threading.Channels;
using DeepTrain.Cluster.Grains.Store;

namespace DeepTrain.Cluster.Silo.Storage.Sessions;

/// <summary>
/// Dedicated threads for database calls, each with its own connection; calls start in the order of arrival. If a database does not
/// answer, the thread pool, and with it the cluster's membership, is not blocked.
/// </summary>
/// <remarks>
/// Committing costs more than most of the work in a transaction, so the calls that wait during a commit share the next transaction. If
/// one of them fails, it is rolled back and each runs alone: the result of a call never depends on the others. Calls hold their locks
/// until the shared commit, so long calls run alone, and concurrent groups lock in one order; if that is not enough, the group that
/// waits is rolled back.
/// </remarks>
internal sealed class TransactionThreads : IAsyncDisposable
{
    /// <summary>The most calls in one transaction, so that no call waits long for later ones.</summary>
    private const int LargestGroup = 64;

    private static readonly Sql StopWaiting = new(dialect => dialect.ShortLockTimeout);

    private readonly Channel<ICall> _calls = Channel.CreateUnbounded<ICall>();
    private readonly List<Task> _ended = [];
    private readonly string _name;
    private readonly TimeProvider _time;

    public TransactionThreads(string name, TimeProvider time, params IEnumerable<IStoreLink> links)
    {
        (_name, _time) = (name, time);
        foreach (var link in links)
        {
            var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _ended.Add(ended.Task);
            new Thread(() => Run(link, ended)) { IsBackground = true, Name = name }.Start();
        }
    }

    /// <summary>Runs outside of any transaction.</summary>
    /// <exception cref="StoreException">The database refused, or the connection was lost; then the call may have taken effect.</exception>
    public Task<T> RunAsync<T>(Func<Session, T> work) => EnqueueAsync(work, place: null);

    /// <summary>Runs as one transaction that is durable when the task ends.</summary>
    /// <param name="work">Runs again if it was rolled back because another call failed.</param>
    /// <param name="place">What the call locks first: calls that share a transaction run in this order.</param>
    /// <exception cref="StoreException">The database refused, or the connection was lost; then the call may have taken effect.</exception>
    public Task<T> TransactAsync<T>(Func<Session, T> work, string place = "") =>
        EnqueueAsync(session => session.InTransaction(() => work(session)), place);

    /// <summary>Like <see cref="TransactAsync{T}"/>, for work so long that no other call's locks should be held during it.</summary>
    public Task<T> TransactAloneAsync<T>(Func<Session, T> work) => RunAsync(session => session.InTransaction(() => work(session)));

    /// <summary>Like <see cref="TransactAsync{T}"/>, for work that begins its transactions itself, one for each attempt.</summary>
    public Task<T> ShareAsync<T>(Func<Session, T> work) => EnqueueAsync(work, place: "");

    /// <summary>Finishes the calls that are queued.</summary>
    public async ValueTask DisposeAsync()
    {
        _calls.Writer.TryComplete();
        await Task.WhenAll(_ended);
    }

    private Task<T> EnqueueAsync<T>(Func<Session, T> work, string? place)
    {
        var call = new Call<T>(work, place, _time);
        return _calls.Writer.TryWrite(call) ? call.Answer : Task.FromException<T>(new ObjectDisposedException(_name));
    }

    private void Run(IStoreLink link, TaskCompletionSource ended)
    {
        var group = new List<ICall>(LargestGroup);
        // This thread exists to block: an await could continue on another thread.
        foreach (var first in _calls.Reader.ReadAllAsync().ToBlockingEnumerable())
        {
            group.Add(first);
            while (group[^1].Place is not null && group.Count < LargestGroup && _calls.Reader.TryRead(out var next))
                group.Add(next);
            // A call that does not share ends the group and runs after it.
            var sharing = group.Where(call => call.Place is not null).OrderBy(call => call.Place, StringComparer.Ordinal).ToList();
            if (sharing.Count > 1 && !TryTogether(link, sharing))
                sharing.ForEach(call => call.Forget());
            foreach (var call in group)
            {
                if (!call.HasRun)
                    call.Run(link);
                call.Conclude();
                link.DropLostSession();
            }
            group.Clear();
        }
        link.Dispose();
        ended.SetResult();
    }

    /// <returns>Whether all of it is stored; otherwise nothing is.</returns>
    private static bool TryTogether(IStoreLink link, List<ICall> group)
    {
        try
        {
            var session = link.Open();
            return session.InTransaction(() =>
            {
                group[0].Run(link);
                session.Execute(StopWaiting);
                group[1..].ForEach(call => call.Run(link));
                return true;
            });
        }
#pragma warning disable CA1031 // Each of them runs again by itself, and meets what is to be met.
        catch (Exception)
#pragma warning restore CA1031
        {
            link.DropLostSession();
            return false;
        }
    }

    /// <summary>A call whose caller awaits the result.</summary>
    private interface ICall
    {
        /// <summary>What the call locks first when it shares a transaction; null: it runs alone.</summary>
        string? Place { get; }

        bool HasRun { get; }

        /// <summary>Runs the call and stores its result or exception.</summary>
        void Run(IStoreLink link);

        /// <summary>The call was rolled back and has to run again.</summary>
        void Forget();

        /// <summary>Returns the result to the caller, now that it is durable.</summary>
        void Conclude();
    }

    private sealed class Call<T>(Func<Session, T> work, string? place, TimeProvider time) : ICall
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly long _asked = time.GetTimestamp();
        private T? _result;
        private Exception? _error;

        public Task<T> Answer => _done.Task;

        public string? Place => place;

        public bool HasRun { get; private set; }

        public void Run(IStoreLink link)
        {
            HasRun = true;
            try
            {
                if (time.GetElapsedTime(_asked) > link.LongestWait)
                    _error = link.Explain(null);
                else
                    _result = work(link.Open());
            }
#pragma warning disable CA1031 // Whatever it is belongs to the caller that awaits it, not to this thread.
            catch (Exception error)
#pragma warning restore CA1031
            {
                _error = link.Explain(error);
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
