using System.Net;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace DeepTrain.Cluster.Silo.Tests;

/// <summary>A server's certificate by an authority that only the test knows.</summary>
[UnsupportedOSPlatform("windows")]
internal static class Certificates
{
    /// <summary>Writes <c>server.crt</c>, which names 127.0.0.1 alone, and <c>server.key</c>.</summary>
    /// <returns>The file of the authority's certificate.</returns>
    public static string Write(TemporaryFolder folder)
    {
        var (from, to) = (DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var authorityKey = RSA.Create(2048);
        var authorityRequest = new CertificateRequest("CN=an authority", authorityKey, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        authorityRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        authorityRequest.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        using var authority = authorityRequest.CreateSelfSigned(from, to);

        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=a server", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(authority, from, to, [1, 2, 3]);

        File.WriteAllText(folder["authority.crt"], authority.ExportCertificatePem());
        File.WriteAllText(folder["server.crt"], certificate.ExportCertificatePem());
        File.WriteAllText(folder["server.key"], key.ExportPkcs8PrivateKeyPem());
        File.SetUnixFileMode(folder["server.key"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return folder["authority.crt"];
    }
}
