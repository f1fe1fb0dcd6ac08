using System.Runtime.Versioning;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Servers;
using DeepTrain.Cluster.Silo.Hosting;
using DeepTrain.Cluster.Silo.Settings;

namespace DeepTrain.Cluster.Silo.Tests;

[UnsupportedOSPlatform("windows")]
public sealed class MembershipTests : IDisposable
{
    private const string Password = "the-right-one";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task CheckAsync_EncryptedServer_IsEnteredByTheRightWayOnly()
    {
        var right = new RedisSettings("127.0.0.1", LoopbackPort.Free(), null, Password, Tls: true, Certificates.Write(_folder));
        await using var server = await StartEncryptedAsync(right.Port);

        await Membership.CheckAsync(right);

        await AssertRefusedAsync(right with { RootCertificate = null });
        await AssertRefusedAsync(right with { RootCertificate = _folder["server.key"] });
        // The certificate names the address, not this name of it.
        await AssertRefusedAsync(right with { Host = "localhost" });
        await AssertRefusedAsync(right with { Tls = false, RootCertificate = null });
        await AssertRefusedAsync(right with { Password = "the-wrong-one" });
        await AssertRefusedAsync(right with { Password = null });
    }

    [Fact]
    public async Task CheckAsync_PlainServer_IsNotEnteredEncrypted()
    {
        await using var server = await RedisServer.StartAsync(Password);
        var right = new RedisSettings(server.Host, server.Port, null, Password, Tls: false, null);

        await Membership.CheckAsync(right);
        await Membership.CheckAsync(right with { Host = "localhost" });

        await AssertRefusedAsync(right with { Tls = true });
        await AssertRefusedAsync(right with { Tls = true, RootCertificate = Certificates.Write(_folder) });
        await AssertRefusedAsync(right with { Password = "the-wrong-one" });
    }

    [Fact]
    public async Task CheckWritableAsync_ServerThatAnswersButRefusesToWrite_SaysWhatItSays()
    {
        // As one with a full disk does.
        await using var server = await RedisServer.StartAsync(Password, "--min-replicas-to-write", "1");
        var redis = new RedisSettings(server.Host, server.Port, null, Password, Tls: false, null);

        await Membership.CheckAsync(redis);
        var error = await Assert.ThrowsAsync<StoreException>(() => Membership.CheckWritableAsync(Servers(redis)));

        Assert.StartsWith($"Redis at {redis} answers, but does not write: NOREPLICAS ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CheckWritableAsync_ServerThatWrites_LeavesNothingForLong()
    {
        await using var server = await RedisServer.StartAsync(Password);

        await Membership.CheckWritableAsync(Servers(new(server.Host, server.Port, null, Password, Tls: false, null)));

        var life = await server.CommandAsync("TTL the-service/writable/the-cluster");
        Assert.InRange(int.Parse(life[1..], System.Globalization.CultureInfo.InvariantCulture), 1, 60);
    }

    private static ClusterServers Servers(RedisSettings redis) => new(
        new("127.0.0.1", 1, "none", "nobody", null, PostgresTls.Disable, null), redis, "the-cluster", "the-service");

    private static async Task AssertRefusedAsync(RedisSettings wrong)
    {
        var error = await Assert.ThrowsAsync<StoreException>(() => Membership.CheckAsync(wrong));
        Assert.StartsWith($"Redis at {wrong}: ", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("-one", error.Message, StringComparison.Ordinal);
    }

    private async Task<RedisServer> StartEncryptedAsync(int port)
    {
        try
        {
            return await RedisServer.StartAsync(
                Password, "--port", "0", "--tls-port", $"{port}", "--tls-cert-file", _folder["server.crt"], "--tls-key-file", _folder["server.key"],
                "--tls-ca-cert-file", _folder["authority.crt"], "--tls-auth-clients", "no");
        }
        catch (InvalidOperationException error) when (error.Message.Contains("Bad directive", StringComparison.Ordinal))
        {
            Assert.Skip("This redis-server is built without TLS.");
            throw;
        }
    }
}
