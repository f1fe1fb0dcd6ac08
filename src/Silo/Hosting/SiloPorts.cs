using System.Net;
using System.Net.Sockets;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Settings;

namespace DeepTrain.Cluster.Silo.Hosting;

/// <summary>Checks whether a silo's ports are free.</summary>
/// <remarks>
/// Orleans listens with SO_REUSEPORT: two silos on one port would both start, and the later one would consider itself the other's
/// successor and have the cluster declare that one dead.
/// </remarks>
internal static class SiloPorts
{
    /// <exception cref="StoreException">The address is not this machine's, or another process listens on a port.</exception>
    public static void Check(SiloSettings settings)
    {
        // All ports are taken together, since they must also differ from each other.
        using var silo = Take(settings.Address, SettingsTable.SiloPort, settings.SiloPort);
        using var gateway = Take(settings.Address, SettingsTable.GatewayPort, settings.GatewayPort);
        // Without its health endpoint this silo could not be monitored, or another's would be mistaken for it.
        using var monitoring = settings.MetricsPort is { } port ? Take(settings.Address, SettingsTable.MetricsPort, port) : null;
    }

    private static Socket Take(IPAddress address, Setting setting, int port)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen();
            return socket;
        }
        catch (SocketException error)
        {
            socket.Dispose();
            throw new StoreException(error.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse =>
                    $"{setting.Name} ({setting.Variable}): port {port} at {address} is taken, perhaps by another silo. Each silo of a machine needs ports of its own.",
                SocketError.AddressNotAvailable =>
                    $"{SettingsTable.Address.Name} ({SettingsTable.Address.Variable}): this machine has no address {address}.",
                _ => $"{setting.Name} ({setting.Variable}): port {port} at {address} cannot be listened on: {error.Message}.",
            }, error);
        }
    }
}
