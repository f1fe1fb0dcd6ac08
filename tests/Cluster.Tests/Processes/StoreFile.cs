using System.Data.Common;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>A data folder's database.</summary>
internal sealed class StoreFile(string path) : StoredSweeps
{
    // SQLITE_CANTOPEN also where there is no file.
    private const int CannotOpen = 14;

    /// <summary>Every number of every trial's gradients, as it lies in the store.</summary>
    public IEnumerable<float> HealthNumbers() => Query("SELECT health FROM epochs WHERE health IS NOT NULL AND @sweep = ''", "",
        row => row.GetFieldValue<byte[]>(0)).SelectMany(bytes => MemoryMarshal.Cast<byte, float>(bytes).ToArray());

    /// <summary>Whether a process is migrating, or has been killed while it was, or has just migrated.</summary>
    public bool HasBegunToMigrate() =>
        Query("SELECT name FROM sqlite_master WHERE name = @sweep", "__EFMigrationsLock", row => row.GetString(0)).Count > 0;

    protected override DbConnection Connect() => new SqliteConnection($"Data Source={path};Mode=ReadOnly;Pooling=False");

    // SQLITE_ERROR (no such table), SQLITE_BUSY, SQLITE_READONLY (its log is not made or mended yet).
    protected override bool IsNotReadyYet(DbException error) => error is SqliteException { SqliteErrorCode: 1 or 5 or 8 or CannotOpen };
}
