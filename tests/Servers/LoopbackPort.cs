using System.Net;
using System.Net.Sockets;

namespace DeepTrain.Cluster.Servers;

/// <summary>Ports of this machine that nobody uses.</summary>
/// <remarks>
/// They lie below those that the system gives to outgoing connections (32768 on Linux, 49152 elsewhere): whoever knocks at a server that
/// is down would otherwise, now and then, be given its very port and talk to himself, and the server could not come back.
/// </remarks>
internal static class LoopbackPort
{
    private const int Lowest = 15_000;
    private const int Count = 17_000;

    private static int _next = Random.Shared.Next(Count);

    public static int Free()
    {
        for (var tries = 0; tries < Count; tries++)
        {
            var port = Lowest + (int)((uint)Interlocked.Increment(ref _next) % Count);
            if (IsFree(port))
                return port;
        }
        throw new InvalidOperationException($"No port from {Lowest} to {Lowest + Count - 1} is free.");
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
