namespace DeepTrain.Cluster.Silo;

/// <summary>Whether a connection is encrypted, and what of the server's certificate is checked: PostgreSQL's own modes.</summary>
public enum TlsMode
{
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// <summary>How to reach the PostgreSQL server that holds sweeps and results.</summary>
/// <param name="RootCertificate">The file of the authority that its certificate is trusted by; null: the system's.</param>
public sealed record PostgresSettings(
    string Host, int Port, string Database, string User, string? Password, TlsMode Tls, string? RootCertificate)
{
    /// <summary>Without its password.</summary>
    public override string ToString() => $"{Host}:{Port}/{Database}";
}
