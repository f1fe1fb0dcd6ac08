namespace DeepTrain.Cluster.Silo.Settings;

/// <summary>Where the cluster's store is, and as whom to enter it.</summary>
/// <param name="RootCertificate">The file of the authority that signed the server's certificate; null: those that the system trusts.</param>
public sealed record PostgresSettings(
    string Host, int Port, string Database, string User, string? Password, PostgresTls Tls, string? RootCertificate)
{
    /// <summary>The place, without the password.</summary>
    public override string ToString() => $"PostgreSQL at {Host}:{Port}/{Database}";
}

/// <summary>What the connection must be like; as PostgreSQL's own clients call it.</summary>
public enum PostgresTls
{
    Disable,

    /// <summary>Encrypted where the server can, its certificate unchecked.</summary>
    Prefer,

    /// <summary>Encrypted, its certificate unchecked.</summary>
    Require,

    /// <summary>The certificate must be of a known authority.</summary>
    VerifyCa,

    /// <summary>The certificate must be of a known authority, and name the host.</summary>
    VerifyFull,
}
