using System.Net;
using System.Net.Sockets;

namespace DeepTrain.Cluster.Servers;

/// <summary>Ports of this machine that nobody uses.</summary>
/// <remarks>
/// They lie below those that the system gives to outgoing connections (32768 on Linux, 49152 elsewhere): whoever knocks at a server that
/// is down would otherwise, now and then, be given its very port and talk to himself, and the server could not come back. Each test
/// process has a block of them to itself, since a port is chosen some time before a process listens there.
/// </remarks>
internal static class LoopbackPort
{
    private const int Lowest = 15_000;
    private const int Blocks = 34;
    private const int BlockSize = 500;

    // Whoever listens on a block's first port has the block.
    private static readonly TcpListener Claim = ClaimBlock();

    private static int _next = Random.Shared.Next(BlockSize);

    public static int Free()
    {
        var first = ((IPEndPoint)Claim.LocalEndpoint).Port + 1;
        for (var tries = 1; tries < BlockSize; tries++)
        {
            var port = first + (int)((uint)Interlocked.Increment(ref _next) % (BlockSize - 1));
            if (TryListen(port) is { } listener)
            {
                listener.Dispose();
                return port;
            }
        }
        throw new InvalidOperationException($"No port from {first} to {first + BlockSize - 2} is free.");
    }

    private static TcpListener ClaimBlock()
    {
        var begin = Random.Shared.Next(Blocks);
        return Enumerable.Range(begin, Blocks).Select(block => TryListen(Lowest + block % Blocks * BlockSize)).OfType<TcpListener>().FirstOrDefault()
            ?? throw new InvalidOperationException($"{Blocks} test processes run already: end one of them.");
    }

    private static TcpListener? TryListen(int port)
    {
        var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return listener;
        }
        catch (SocketException)
        {
            listener.Dispose();
            return null;
        }
    }
}
