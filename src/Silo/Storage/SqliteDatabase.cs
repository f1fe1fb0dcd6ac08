using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace DeepTrain.Cluster.Silo;

/// <summary>The database file: how it is opened, checked and brought up to date.</summary>
internal static class SqliteDatabase
{
    /// <summary>Makes an owner's connection ready to write: settings, checks, migrations.</summary>
    /// <exception cref="StoreException">The database is newer than this program.</exception>
    public static void Prepare(SqliteConnection connection)
    {
        Execute(connection, "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");
        using var context = Context(connection);
        RefuseNewer(context, connection);
        // A process that was killed while it migrated has left its lock behind, and would be waited for in vain.
        if (Exists(connection, "__EFMigrationsLock"))
            Execute(connection, "DELETE FROM __EFMigrationsLock");
        context.Database.Migrate();
    }

    public static SweepContext Context(SqliteConnection connection) =>
        new(new DbContextOptionsBuilder<SweepContext>().UseSqlite(connection)
            .UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking).Options);

    /// <exception cref="StoreException">The database has a migration that this program does not know.</exception>
    public static void RefuseNewer(SweepContext context, SqliteConnection connection)
    {
        if (context.Database.GetAppliedMigrations().Except(context.Database.GetMigrations()).Any())
            throw new StoreException(
                $"{connection.DataSource}: a newer version of this program has written this database. Use that version, or another folder.");
    }

    public static bool Exists(SqliteConnection connection, string table)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = @name)";
        command.Parameters.AddWithValue("@name", table);
        return command.ExecuteScalar() is 1L;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
