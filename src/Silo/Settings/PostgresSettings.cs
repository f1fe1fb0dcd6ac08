namespace DeepTrain.Cluster.Silo.Settings;

/// <summary>Where the cluster's store is, and as which user to connect.</summary>
/// <param name="RootCertificate">The file of the authority that signed the server's certificate; null: the system's authorities.</param>
public sealed record PostgresSettings(
    string Host, int Port, string Database, string User, string? Password, PostgresTls Tls, string? RootCertificate)
{
    /// <summary>The server and database, without the password.</summary>
    public override string ToString() => $"PostgreSQL at {Host}:{Port}/{Database}";
}

/// <summary>The security of the connection, in the terms of PostgreSQL's own clients.</summary>
public enum PostgresTls
{
    Disable,

    /// <summary>Encrypted if the server supports it, without checking its certificate.</summary>
    Prefer,

    /// <summary>Encrypted, without checking the certificate.</summary>
    Require,

    /// <summary>The certificate must be signed by a trusted authority.</summary>
    VerifyCa,

    /// <summary>The certificate must be signed by a trusted authority and name the host.</summary>
    VerifyFull,
}
