using System.Runtime.Versioning;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Servers;
using DeepTrain.Cluster.Silo.Settings;
using DeepTrain.Cluster.Silo.Storage.Postgres;

namespace DeepTrain.Cluster.Silo.Tests;

/// <summary>A server with a certificate of an authority that only these tests know.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class PostgresTlsTests
{
    [Fact]
    public async Task OpenAsync_EncryptedServer_ChecksTheCertificateAsFarAsAsked()
    {
        PostgresServer.SkipWhereMissing();
        using var folder = new TemporaryFolder();
        var authority = Certificates.Write(folder);
        await using var server = await PostgresServer.StartAsync(
            "ssl=on", $"ssl_cert_file={folder["server.crt"]}", $"ssl_key_file={folder["server.key"]}");
        var settings = SharedPostgres.SettingsOf(server, await server.CreateDatabaseAsync());
        await PostgresDatabase.MigrateAsync(settings with { Tls = PostgresTls.VerifyFull, RootCertificate = authority }, CancellationToken.None);

        foreach (var (good, encrypted) in ((PostgresSettings, bool)[])
        [
            (settings with { Tls = PostgresTls.Disable }, false),
            (settings with { Tls = PostgresTls.Prefer }, true),
            (settings with { Tls = PostgresTls.Require }, true),
            (settings with { Tls = PostgresTls.VerifyCa, RootCertificate = authority }, true),
            (settings with { Tls = PostgresTls.VerifyFull, RootCertificate = authority }, true),
            // The certificate names the address, not this name of it.
            (settings with { Tls = PostgresTls.VerifyCa, RootCertificate = authority, Host = "localhost" }, true),
        ])
        {
            await using var store = await PostgresSweepStore.OpenAsync(good, 1, TimeProvider.System, CancellationToken.None);
            Assert.Equal(encrypted, await IsEncryptedAsync(good));
        }
        foreach (var bad in (PostgresSettings[])
        [
            settings with { Tls = PostgresTls.VerifyCa },
            settings with { Tls = PostgresTls.VerifyFull },
            settings with { Tls = PostgresTls.VerifyFull, RootCertificate = authority, Host = "localhost" },
        ])
        {
            var error = await Assert.ThrowsAsync<StoreException>(() => PostgresSweepStore.OpenAsync(bad, 1, TimeProvider.System, CancellationToken.None));
            Assert.Contains("certificate is not accepted", error.Message, StringComparison.Ordinal);
            Assert.Contains("authority's certificate", error.Message, StringComparison.Ordinal);
        }
        var missing = settings with { Tls = PostgresTls.VerifyFull, RootCertificate = folder["none.crt"] };
        Assert.Contains("cannot be read",
            (await Assert.ThrowsAsync<StoreException>(() => PostgresSweepStore.OpenAsync(missing, 1, TimeProvider.System, CancellationToken.None))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenAsync_ServerWithoutEncryption_IsRefusedWhereItIsRequired()
    {
        var settings = (await SharedPostgres.CreateStoreAsync()) with { Tls = PostgresTls.Require };

        var error = await Assert.ThrowsAsync<StoreException>(() => PostgresSweepStore.OpenAsync(settings, 1, TimeProvider.System, CancellationToken.None));

        Assert.Contains("SSL", error.Message, StringComparison.Ordinal);
    }

    private static async Task<bool> IsEncryptedAsync(PostgresSettings settings)
    {
        await using var connection = new Npgsql.NpgsqlConnection(PostgresDatabase.ConnectionString(settings, pooled: false));
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        return (bool)(await command.ExecuteScalarAsync())!;
    }
}
