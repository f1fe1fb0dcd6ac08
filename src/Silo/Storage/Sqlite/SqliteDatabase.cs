using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Storage.Schema;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace DeepTrain.Cluster.Silo.Storage.Sqlite;

/// <summary>The database file: opens, checks and migrates it.</summary>
internal static class SqliteDatabase
{
    /// <summary>Prepares an owner's connection for writing: settings, checks, migrations.</summary>
    /// <exception cref="StoreException">The database is newer than this program.</exception>
    public static void Prepare(SqliteConnection connection, TimeProvider time)
    {
        // The system clock jumps during a suspension, when no worker can renew. The owner's clock advances as the workers' deadlines do.
        var (begin, began) = (time.GetUtcNow().ToUnixTimeMilliseconds(), time.GetTimestamp());
        connection.CreateFunction("now_ms", () => begin + (long)time.GetElapsedTime(began).TotalMilliseconds);
        Execute(connection, "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");
        if (Scalar(connection, "PRAGMA quick_check(1)") is not "ok" and var damage)
            throw new StoreException(
                $"{connection.DataSource}: the database is damaged ({damage}). Restore a copy, or move it away and start anew.");
        using var context = Context(connection);
        if (Missing(context) == 0)
            return;
        // A process that was killed during a migration has left its lock behind, which would otherwise be waited for forever.
        if (Scalar(connection, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '__EFMigrationsLock'") is not null)
            Execute(connection, "DELETE FROM __EFMigrationsLock");
        context.Database.Migrate();
    }

    public static SqliteSweepContext Context(SqliteConnection connection) =>
        new(new DbContextOptionsBuilder<SqliteSweepContext>().UseSqlite(connection).Options);

    /// <summary>Whether the schema is the one of this program; false before the first migration.</summary>
    /// <exception cref="StoreException">It was written by another version.</exception>
    public static bool IsReady(SqliteConnection connection)
    {
        using var context = Context(connection);
        var missing = Missing(context);
        var known = context.Database.GetMigrations().Count();
        return missing == 0 || missing == known
            ? missing == 0
            : throw new StoreException($"{connection.DataSource}: an older version of this program has written this "
                + "database. A command that writes brings it up to date: deeptrain run FILE.");
    }

    /// <summary>How many migrations the database lacks.</summary>
    /// <exception cref="StoreException">It has one that this program does not know.</exception>
    private static int Missing(SweepContext context)
    {
        var (applied, known) = (context.Database.GetAppliedMigrations().ToHashSet(), context.Database.GetMigrations().ToHashSet());
        return applied.IsSubsetOf(known)
            ? known.Count - applied.Count
            : throw new StoreException($"{context.Database.GetDbConnection().DataSource}: a newer version of this program has written "
                + "this database. Use that version, or name another folder.");
    }

    private static object? Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
