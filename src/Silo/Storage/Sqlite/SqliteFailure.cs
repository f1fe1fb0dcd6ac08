using DeepTrain.Cluster.Grains.Store;
using Microsoft.Data.Sqlite;

namespace DeepTrain.Cluster.Silo.Storage.Sqlite;

/// <summary>Explains errors of SQLite.</summary>
internal static class SqliteFailure
{
    // Primary result codes, https://www.sqlite.org/rescode.html
    private const int Busy = 5;
    private const int Locked = 6;
    private const int ReadOnly = 8;
    private const int Io = 10;
    private const int Corrupt = 11;
    private const int Full = 13;
    private const int CannotOpen = 14;
    private const int TooBig = 18;
    private const int Constraint = 19;
    private const int Mismatch = 20;
    private const int NotADatabase = 26;

    /// <summary>Whether the data itself made a statement impossible, so that repeating it cannot help.</summary>
    public static bool IsOfData(SqliteException error) => error.SqliteErrorCode is TooBig or Constraint or Mismatch;

    public static bool IsCannotOpen(SqliteException error) => error.SqliteErrorCode is CannotOpen or ReadOnly;

    public static StoreException Explain(SqliteException error, string path) => new(error.SqliteErrorCode switch
    {
        Busy or Locked => $"{path}: the database is locked by another program. End what has it open, and repeat.",
        ReadOnly => $"{path}: the database cannot be written. Give write permission to it and its folder, or name another folder.",
        Io => $"{path}: the disk failed to read or write ({error.Message}). Check the disk and its free space, and repeat.",
        Full => $"{path}: the disk is full. Free some space, and repeat; what was stored before is safe.",
        CannotOpen => $"{path}: the database cannot be opened. Check that it and its folder may be read and written.",
        Corrupt or NotADatabase =>
            $"{path}: this is no SQLite database, or it is damaged ({error.Message}). Restore a copy, or move it away and start anew.",
        _ => $"{path}: {error.Message}",
    }, error);
}
