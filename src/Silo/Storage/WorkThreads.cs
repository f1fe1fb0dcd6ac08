using System.Threading.Channels;

namespace DeepTrain.Cluster.Silo;

/// <summary>
/// Threads of their own for work that blocks, begun in the order in which it came: while a database is silent, the thread pool, and with
/// it the cluster's membership, goes on.
/// </summary>
/// <typeparam name="TOwn">What each thread has to itself, and disposes of at its end.</typeparam>
internal sealed class WorkThreads<TOwn> : IAsyncDisposable where TOwn : IDisposable
{
    private readonly Channel<Action<TOwn>> _work = Channel.CreateUnbounded<Action<TOwn>>();
    private readonly List<Task> _ended = [];
    private readonly string _name;

    public WorkThreads(string name, params IEnumerable<TOwn> owned)
    {
        _name = name;
        foreach (var own in owned)
        {
            var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _ended.Add(ended.Task);
            new Thread(() => Run(own, ended)) { IsBackground = true, Name = name }.Start();
        }
    }

    public Task<T> RunAsync<T>(Func<TOwn, T> work)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var accepted = _work.Writer.TryWrite(own =>
        {
            try
            {
                done.SetResult(work(own));
            }
#pragma warning disable CA1031 // Whatever it is belongs to the caller that awaits it, not to this thread.
            catch (Exception error)
#pragma warning restore CA1031
            {
                done.SetException(error);
            }
        });
        return accepted ? done.Task : Task.FromException<T>(new ObjectDisposedException(_name));
    }

    /// <summary>Ends what was given before.</summary>
    public async ValueTask DisposeAsync()
    {
        _work.Writer.TryComplete();
        await Task.WhenAll(_ended);
    }

    private void Run(TOwn own, TaskCompletionSource ended)
    {
        // Blocking is what this thread is for: whoever awaits anything on it could go on elsewhere.
        foreach (var work in _work.Reader.ReadAllAsync().ToBlockingEnumerable())
            work(own);
        own.Dispose();
        ended.SetResult();
    }
}
