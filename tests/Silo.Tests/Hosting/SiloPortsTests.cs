using System.Net;
using System.Net.Sockets;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Servers;
using DeepTrain.Cluster.Silo.Hosting;
using DeepTrain.Cluster.Silo.Settings;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class SiloPortsTests
{
    private readonly Dictionary<string, string> _settings = new()
    {
        ["DEEPTRAIN_SILO_PORT"] = $"{LoopbackPort.Free()}", ["DEEPTRAIN_GATEWAY_PORT"] = $"{LoopbackPort.Free()}",
        ["DEEPTRAIN_METRICS_PORT"] = $"{LoopbackPort.Free()}",
    };

    [Fact]
    public void Check_FreePorts_LeavesThemFree()
    {
        Check();
        Check();
    }

    [Theory]
    [InlineData("siloPort", "DEEPTRAIN_SILO_PORT")]
    [InlineData("gatewayPort", "DEEPTRAIN_GATEWAY_PORT")]
    [InlineData("metricsPort", "DEEPTRAIN_METRICS_PORT")]
    public void Check_PortOfAnotherSilo_IsRefused(string setting, string variable)
    {
        // As Orleans listens.
        using var other = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        other.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        other.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        other.Listen();
        var port = ((IPEndPoint)other.LocalEndPoint!).Port;
        _settings[variable] = $"{port}";

        Assert.StartsWith($"{setting} ({variable}): port {port} at 127.0.0.1 is taken", Assert.Throws<StoreException>(Check).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_OnePortForBoth_IsRefused()
    {
        _settings["DEEPTRAIN_GATEWAY_PORT"] = _settings["DEEPTRAIN_SILO_PORT"];

        Assert.StartsWith("gatewayPort (DEEPTRAIN_GATEWAY_PORT): port ", Assert.Throws<StoreException>(Check).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_AddressOfAnotherMachine_IsRefused()
    {
        // RFC 5737: an address of documentation, which no machine has.
        _settings["DEEPTRAIN_ADDRESS"] = "192.0.2.1";

        Assert.Equal("address (DEEPTRAIN_ADDRESS): this machine has no address 192.0.2.1.", Assert.Throws<StoreException>(Check).Message);
    }

    private void Check() => SiloPorts.Check(SettingsReader.Read(null, _settings).Settings!);
}
