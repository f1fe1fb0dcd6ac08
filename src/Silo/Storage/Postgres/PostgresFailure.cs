using System.Net.Sockets;
using System.Security.Authentication;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Settings;
using Npgsql;

namespace DeepTrain.Cluster.Silo.Storage.Postgres;

/// <summary>Explains errors of PostgreSQL and of the connection to it.</summary>
internal static class PostgresFailure
{
    /// <summary>Whether the data itself made a statement impossible: data exceptions and violated constraints.</summary>
    public static bool IsOfData(PostgresException error) =>
        error.SqlState.StartsWith("22", StringComparison.Ordinal) || error.SqlState.StartsWith("23", StringComparison.Ordinal);

    /// <summary>The error of the database or the connection that an error is or wraps; null if there is none.</summary>
    public static Exception? CauseOf(Exception error) => error switch
    {
        NpgsqlException or SocketException or IOException or TimeoutException or AuthenticationException => error,
        // EF Core wraps errors that it considers transient.
        InvalidOperationException { InnerException: { } inner } => CauseOf(inner),
        _ => null,
    };

    public static StoreException Explain(Exception error, PostgresSettings settings) =>
        new($"{settings}: {(error is PostgresException answer ? Answered(answer, settings) : Lost(error, settings))}", error);

    public static StoreException Silent(PostgresSettings settings) =>
        new($"{settings}: it does not answer, or has more to do than it can. Check that it runs and can be reached; nothing was done.");

    private static string Answered(PostgresException error, PostgresSettings settings) => error.SqlState switch
    {
        PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification =>
            $"it does not let the user '{settings.User}' in ({error.MessageText}). Check user, password and the server's pg_hba.conf.",
        PostgresErrorCodes.InvalidCatalogName =>
            $"there is no database '{settings.Database}'. Create it: CREATE DATABASE {settings.Database} OWNER {settings.User};",
        PostgresErrorCodes.InsufficientPrivilege =>
            $"the user '{settings.User}' lacks a right ({error.MessageText}). Make it the owner of the database's tables.",
        PostgresErrorCodes.TooManyConnections => "it has no connection left. Raise max_connections, or start fewer silos.",
        PostgresErrorCodes.DiskFull => "its disk is full. Free some space, and repeat; what was stored before is safe.",
        PostgresErrorCodes.ReadOnlySqlTransaction => "it cannot be written: it is a standby, or was set to read only. Name the primary.",
        PostgresErrorCodes.LockNotAvailable => "somebody else holds what is to be written for too long. Repeat.",
        PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow =>
            $"it is starting or stopping ({error.MessageText}). Repeat once it runs.",
        PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn =>
            $"its schema is not this program's ({error.MessageText}). Bring it up to date: silo migrate.",
        _ => $"{error.MessageText} ({error.SqlState}).",
    };

    private static string Lost(Exception error, PostgresSettings settings)
    {
        for (var cause = error; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case AuthenticationException:
                    return $"its certificate is not accepted ({cause.Message.TrimEnd('.')}). Name the file of its authority's certificate "
                        + $"and, for {nameof(PostgresTls.VerifyFull)}, a host that the certificate names.";
                case FileNotFoundException or DirectoryNotFoundException:
                    return $"the authority's certificate cannot be read ({cause.Message.TrimEnd('.')}).";
                case TimeoutException:
                    return "it does not answer. Check that it runs and can be reached; whether the last call was done is not known.";
                case SocketException { SocketErrorCode: SocketError.ConnectionRefused or SocketError.HostNotFound or SocketError.TryAgain
                    or SocketError.NoData or SocketError.HostUnreachable or SocketError.NetworkUnreachable } socket:
                    return $"it cannot be reached ({socket.Message.TrimEnd('.')}). Check host, port and that it runs.";
            }
        }
        // Npgsql has no error type of its own for it.
        if (error is NpgsqlException && error.Message.StartsWith("No password", StringComparison.Ordinal))
            return $"it asks for a password, and none is given. Set {SettingsTable.PostgresPassword.Variable} or {SettingsTable.PostgresPasswordFile.Variable}.";
        return $"the connection failed ({error.Message.TrimEnd('.')}). Whether the last call was done is not known; repeat it.";
    }
}
