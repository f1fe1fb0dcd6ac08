using System.Data.Common;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Settings;
using DeepTrain.Cluster.Silo.Storage.Schema;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace DeepTrain.Cluster.Silo.Storage.Postgres;

/// <summary>The cluster's database: connects to it, checks its schema and migrates it.</summary>
public static class PostgresDatabase
{
    /// <summary>The key of an advisory lock: any number that no other program uses in the database.</summary>
    private const long MigrationLock = 0x6465657074726E31;

    private static readonly TimeSpan LongestMigration = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(200);

    /// <summary>Migrates the schema. Safe to repeat, and safe to run concurrently.</summary>
    /// <exception cref="StoreException">The database is newer than this program, or cannot be reached or changed.</exception>
    public static async Task MigrateAsync(PostgresSettings settings, CancellationToken cancellation)
    {
        try
        {
            await using var connection = new NpgsqlConnection(ConnectionString(settings, pooled: false));
            await connection.OpenAsync(cancellation);
            // PostgreSQL releases the lock when the connection ends, however that happens, and rolls back unfinished work.
            await LockAsync(connection, settings, cancellation);
            await using var context = Context(connection);
            await MissingAsync(context, settings, cancellation);
            context.Database.SetCommandTimeout(LongestMigration);
            await context.Database.MigrateAsync(cancellation);
        }
        catch (Exception error) when (PostgresFailure.CauseOf(error) is { } cause)
        {
            throw PostgresFailure.Explain(cause, settings);
        }
    }

    /// <exception cref="StoreException">The schema is not the one of this program.</exception>
    internal static async Task CheckAsync(NpgsqlConnection connection, PostgresSettings settings, CancellationToken cancellation)
    {
        await using var context = Context(connection);
        if (await MissingAsync(context, settings, cancellation) > 0)
            throw new StoreException(
                $"{settings}: its schema is of an older version of this program, or not there yet. Bring it up to date: silo migrate.");
    }

    internal static PostgresSweepContext Context(DbConnection connection) =>
        new(new DbContextOptionsBuilder<PostgresSweepContext>().UseNpgsql(connection).Options);

    internal static string ConnectionString(PostgresSettings settings, bool pooled) => new NpgsqlConnectionStringBuilder
    {
        Host = settings.Host,
        Port = settings.Port,
        Database = settings.Database,
        Username = settings.User,
        Password = settings.Password,
        SslMode = settings.Tls switch
        {
            PostgresTls.Disable => SslMode.Disable,
            PostgresTls.Require => SslMode.Require,
            PostgresTls.VerifyCa => SslMode.VerifyCA,
            PostgresTls.VerifyFull => SslMode.VerifyFull,
            _ => SslMode.Prefer,
        },
        RootCertificate = settings.RootCertificate,
        GssEncryptionMode = GssEncryptionMode.Disable,
        ApplicationName = "deeptrain",
        Pooling = pooled,
        MaxPoolSize = 10,
        // The timeouts detect a server that hangs, the keepalive probes one whose machine is gone.
        Timeout = 10,
        CommandTimeout = 10,
        CancellationTimeout = 2000,
        TcpKeepAlive = true,
        TcpKeepAliveTime = 5,
        TcpKeepAliveInterval = 2,
        MaxAutoPrepare = 100,
        AutoPrepareMinUsages = 2,
    }.ToString();

    private static async Task LockAsync(NpgsqlConnection connection, PostgresSettings settings, CancellationToken cancellation)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = $"SELECT pg_try_advisory_lock({MigrationLock})";
        var begin = TimeProvider.System.GetTimestamp();
        while (await command.ExecuteScalarAsync(cancellation) is not true)
        {
            if (TimeProvider.System.GetElapsedTime(begin) > LongestMigration)
                throw new StoreException($"{settings}: another program has been migrating it for {LongestMigration.TotalMinutes} minutes. "
                    + "End it, and repeat.");
            await Task.Delay(LockPause, cancellation);
        }
    }

    /// <summary>How many migrations the database lacks.</summary>
    private static async Task<int> MissingAsync(SweepContext context, PostgresSettings settings, CancellationToken cancellation)
    {
        var known = context.Database.GetMigrations().ToHashSet();
        var applied = (await context.Database.GetAppliedMigrationsAsync(cancellation)).ToHashSet();
        return applied.IsSubsetOf(known)
            ? known.Count - applied.Count
            : throw new StoreException($"{settings}: a newer version of this program has written this database. Use that version.");
    }
}
