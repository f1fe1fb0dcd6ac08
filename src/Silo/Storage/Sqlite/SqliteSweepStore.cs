using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Storage.Sessions;

namespace DeepTrain.Cluster.Silo.Storage.Sqlite;

/// <summary>The store of one data folder, whose lock the caller holds.</summary>
/// <remarks>Everything that writes runs on one thread, over one connection; reads have their own connections.</remarks>
internal sealed class SqliteSweepStore : SweepStore
{
    private readonly TransactionThreads _writer;

    private SqliteSweepStore(TransactionThreads writer, string path) : base(new SqliteSweepReader(path)) => _writer = writer;

    /// <summary>Creates the database or brings its schema up to date, whatever an earlier process left half done.</summary>
    /// <exception cref="StoreException">The file is no database, damaged, newer than this program, or cannot be written.</exception>
    public static async Task<SqliteSweepStore> OpenAsync(string path, TimeProvider time)
    {
        var writer = new TransactionThreads("sweep store", time, new SqliteLink(path, connection => SqliteDatabase.Prepare(connection, time)));
        try
        {
            // The first call opens it, and says what is wrong.
            await writer.RunAsync(_ => true);
            return new(writer, path);
        }
        catch
        {
            await writer.DisposeAsync();
            throw;
        }
    }

    /// <summary>Where tests make a failure happen.</summary>
    internal TransactionThreads Writer => _writer;

    public override ValueTask DisposeAsync() => _writer.DisposeAsync();

    protected override Task<T> TransactAsync<T>(Func<Session, T> body, string place) => _writer.TransactAsync(body, place);

    protected override Task<T> TransactAloneAsync<T>(Func<Session, T> body) => _writer.TransactAloneAsync(body);

    protected override Task<T> ReportAsync<T>(Func<Session, T> work) => _writer.ShareAsync(work);
}
