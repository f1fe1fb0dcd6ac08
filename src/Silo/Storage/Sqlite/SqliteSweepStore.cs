using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Storage.Sessions;

namespace DeepTrain.Cluster.Silo.Storage.Sqlite;

/// <summary>The store of one data folder, whose lock the caller holds.</summary>
/// <remarks>All writes run on one thread, over one connection; reads have their own connections.</remarks>
internal sealed class SqliteSweepStore : SweepStore
{
    private readonly TransactionThreads _writer;

    private SqliteSweepStore(TransactionThreads writer, string path) : base(new SqliteSweepReader(path)) => _writer = writer;

    /// <summary>Creates the database or migrates it, including what an earlier process left unfinished.</summary>
    /// <exception cref="StoreException">The file is no database, damaged, newer than this program, or cannot be written.</exception>
    public static async Task<SqliteSweepStore> OpenAsync(string path, TimeProvider time)
    {
        var writer = new TransactionThreads("sweep store", time, new SqliteLink(path, connection => SqliteDatabase.Prepare(connection, time)));
        try
        {
            // The first call opens the database and throws if it cannot be used.
            await writer.RunAsync(_ => true);
            return new(writer, path);
        }
        catch
        {
            await writer.DisposeAsync();
            throw;
        }
    }

    /// <summary>Lets tests cause a failure.</summary>
    internal TransactionThreads Writer => _writer;

    public override ValueTask DisposeAsync() => _writer.DisposeAsync();

    protected override Task<T> TransactAsync<T>(Func<Session, T> body, string place) => _writer.TransactAsync(body, place);

    protected override Task<T> TransactAloneAsync<T>(Func<Session, T> body) => _writer.TransactAloneAsync(body);

    protected override Task<T> ReportAsync<T>(Func<Session, T> work) => _writer.ShareAsync(work);
}
