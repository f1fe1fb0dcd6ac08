using System.Threading.Channels;
using DeepTrain.Cluster.Grains.Store;

namespace DeepTrain.Cluster.Silo.Storage.Sessions;

/// <summary>
/// Threads of their own for work on a database, each with its link, begun in the order in which it came: while a database is silent, the
/// thread pool, and with it the cluster's membership, goes on.
/// </summary>
/// <remarks>
/// Making a transaction durable costs more than most of what is done in one. So the calls that wait while one is made durable share the
/// next. If one of them fails, nothing of that is stored, and each runs by itself: what a call meets never depends on the others. They
/// keep what they lock for each other's time, so that what takes long runs alone, and groups beside each other lock in one order; where
/// that is not enough, the one that waits lets go.
/// </remarks>
internal sealed class TransactionThreads : IAsyncDisposable
{
    /// <summary>The most calls in one transaction, so that none waits long for those after it.</summary>
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
    /// <exception cref="StoreException">The database refused, or was lost on the way; then the call may have been done.</exception>
    public Task<T> RunAsync<T>(Func<Session, T> work) => EnqueueAsync(work, place: null);

    /// <summary>Runs as one transaction that is durable when the task ends.</summary>
    /// <param name="work">Runs again if what it wrote was rolled back for another's failure.</param>
    /// <param name="place">What it locks first: calls that share a transaction run in the order of that.</param>
    /// <exception cref="StoreException">The database refused, or was lost on the way; then the call may have been done.</exception>
    public Task<T> TransactAsync<T>(Func<Session, T> work, string place = "") =>
        EnqueueAsync(session => session.InTransaction(() => work(session)), place);

    /// <summary>Like <see cref="TransactAsync{T}"/>, of work that takes so long that no other call's locks should be kept for it.</summary>
    public Task<T> TransactAloneAsync<T>(Func<Session, T> work) => RunAsync(session => session.InTransaction(() => work(session)));

    /// <summary>Like <see cref="TransactAsync{T}"/>, of work that begins its transactions by itself, one for each try.</summary>
    public Task<T> ShareAsync<T>(Func<Session, T> work) => EnqueueAsync(work, place: "");

    /// <summary>Ends what was given before.</summary>
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
        // Blocking is what this thread is for: whoever awaits anything on it could go on elsewhere.
        foreach (var first in _calls.Reader.ReadAllAsync().ToBlockingEnumerable())
        {
            group.Add(first);
            while (group[^1].Place is not null && group.Count < LargestGroup && _calls.Reader.TryRead(out var next))
                group.Add(next);
            // One that does not share ends the group, and runs after it.
            var sharing = group.Where(call => call.Place is not null).OrderBy(call => call.Place, StringComparer.Ordinal).ToList();
            if (sharing.Count > 1 && !TryTogether(link, sharing))
                sharing.ForEach(call => call.Forget());
            foreach (var call in group)
            {
                if (!call.HasRun)
                    call.Run(link);
                call.Conclude();
                link.Settle();
            }
            group.Clear();
        }
        link.Dispose();
        ended.SetResult();
    }

    /// <returns>Whether all of it is stored; else nothing is.</returns>
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
            link.Settle();
            return false;
        }
    }

    /// <summary>What somebody waits for.</summary>
    private interface ICall
    {
        /// <summary>Where among others it runs in a transaction with them; null: it runs alone.</summary>
        string? Place { get; }

        bool HasRun { get; }

        /// <summary>Remembers the result or the exception.</summary>
        void Run(IStoreLink link);

        /// <summary>What it did is undone; it has to run again.</summary>
        void Forget();

        /// <summary>Tells the caller, now that it is durable.</summary>
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
