using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace DeepTrain.Cluster.Servers;

/// <summary>Stands between processes and a server on loopback, and does to their connections what networks do.</summary>
internal sealed class FaultProxy : IAsyncDisposable
{
    private readonly int _target;
    private readonly ConcurrentDictionary<Link, Task> _links = [];
    private TcpListener? _listener;
    private Task _accepting = Task.CompletedTask;

    // Completed while bytes may pass.
    private volatile TaskCompletionSource _open = Opened();
    private Func<ReadOnlyMemory<byte>, bool>? _loseAnswerTo;
    private TaskCompletionSource _answerLost = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public FaultProxy(int target)
    {
        _target = target;
        Port = LoopbackPort.Free();
        Listen();
    }

    public int Port { get; }

    /// <summary>Lets through what was held, and all that comes; connections are taken again.</summary>
    public void Pass()
    {
        Listen();
        _open.TrySetResult();
    }

    /// <summary>Holds all bytes, both ways, until <see cref="Pass"/>: to both ends the other is silent.</summary>
    public void Stall()
    {
        if (_open.Task.IsCompleted)
            _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>Resets every connection, with all that is held; new ones are taken.</summary>
    public void Cut()
    {
        foreach (var link in _links.Keys)
            link.Dispose();
    }

    /// <summary>Resets every connection and takes none, until <see cref="Pass"/>.</summary>
    public async Task RefuseAsync()
    {
        if (_listener is { } listener)
        {
            _listener = null;
            listener.Dispose();
            await _accepting;
        }
        Cut();
    }

    /// <summary>
    /// A COMMIT reaches the server, its answer comes, and is dropped with the connection: it is done, and the client cannot know.
    /// </summary>
    /// <param name="after">How many COMMITs are answered before.</param>
    /// <returns>Ends when that has happened.</returns>
    public Task CutAfterCommit(int after = 0) =>
        // With the zero that ends a query: 'READ COMMITTED' begins one.
        LoseAnswerTo(sent => sent.Span.IndexOf("COMMIT\0"u8) >= 0 && Interlocked.Decrement(ref after) < 0);

    /// <summary>Drops the answer to the next request that a client sends which matches, and resets its connection.</summary>
    /// <returns>Ends when that has happened.</returns>
    public Task LoseAnswerTo(Func<ReadOnlyMemory<byte>, bool> request)
    {
        var lost = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _answerLost = lost;
        Volatile.Write(ref _loseAnswerTo, request);
        return lost.Task;
    }

    public async ValueTask DisposeAsync()
    {
        await RefuseAsync();
        _open.TrySetResult();
        await Task.WhenAll(_links.Values);
    }

    private void Listen()
    {
        if (_listener is not null)
            return;
        var listener = new TcpListener(IPAddress.Loopback, Port);
        listener.Start();
        _listener = listener;
        _accepting = AcceptAsync(listener);
    }

    private async Task AcceptAsync(TcpListener listener)
    {
        while (true)
        {
            Socket client;
            try
            {
                client = await listener.AcceptSocketAsync();
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                return;
            }
            var link = new Link(this, client);
            // Registered before it runs, or its end could come first.
            var begin = new TaskCompletionSource();
            _links[link] = Serve(link, begin.Task);
            begin.SetResult();
        }
    }

    private async Task Serve(Link link, Task begin)
    {
        await begin;
        await link.ServeAsync();
        _links.TryRemove(link, out _);
    }

    private bool TakesAnswerOf(ReadOnlyMemory<byte> sent)
    {
        var match = Volatile.Read(ref _loseAnswerTo);
        return match is not null && match(sent) && Interlocked.CompareExchange(ref _loseAnswerTo, null, match) == match;
    }

    private static TaskCompletionSource Opened()
    {
        var open = new TaskCompletionSource();
        open.SetResult();
        return open;
    }

    /// <summary>One client's connection and its own to the server.</summary>
    private sealed class Link(FaultProxy proxy, Socket client) : IDisposable
    {
        private readonly Socket _server = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private volatile bool _losesAnswer;

        public async Task ServeAsync()
        {
            try
            {
                client.NoDelay = _server.NoDelay = true;
                await proxy._open.Task;
                await _server.ConnectAsync(IPAddress.Loopback, proxy._target);
                await Task.WhenAll(PumpAsync(client, _server, isRequest: true), PumpAsync(_server, client, isRequest: false));
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // The server takes no connection, or this one was reset.
            }
            Dispose();
        }

        /// <summary>Closes both at once, without waiting for bytes on the way: a reset to their other ends.</summary>
        public void Dispose()
        {
            foreach (var socket in (Socket[])[client, _server])
            {
                try
                {
                    socket.LingerState = new LingerOption(true, 0);
                    socket.Dispose();
                }
                catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
                {
                    // It was closed already.
                }
            }
        }

        private async Task PumpAsync(Socket from, Socket to, bool isRequest)
        {
            var buffer = new byte[64 * 1024];
            try
            {
                while (true)
                {
                    var count = await from.ReceiveAsync(buffer);
                    await proxy._open.Task;
                    if (count == 0)
                    {
                        to.Shutdown(SocketShutdown.Send);
                        return;
                    }
                    if (isRequest)
                    {
                        if (proxy.TakesAnswerOf(buffer.AsMemory(0, count)))
                            _losesAnswer = true;
                    }
                    else if (_losesAnswer)
                    {
                        Dispose();
                        proxy._answerLost.TrySetResult();
                        return;
                    }
                    for (var sent = 0; sent < count;)
                        sent += await to.SendAsync(buffer.AsMemory(sent, count - sent));
                }
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // Either end is gone, and so both are.
                Dispose();
            }
        }
    }
}
