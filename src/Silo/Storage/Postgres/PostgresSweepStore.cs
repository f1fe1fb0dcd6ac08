using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Settings;
using DeepTrain.Cluster.Silo.Storage.Sessions;

namespace DeepTrain.Cluster.Silo.Storage.Postgres;

/// <summary>The store of a cluster, in PostgreSQL. Any number of silos may have it open.</summary>
/// <remarks>
/// Reports have a thread and a connection of their own, so that coordinators and reports do not wait for each other. A call that
/// fails because the connection was lost may have taken effect; every call can be repeated.
/// </remarks>
internal sealed class PostgresSweepStore : SweepStore
{
    private readonly PostgresSweepReader _reader;
    private readonly TransactionThreads _coordinators;
    private readonly TransactionThreads _reports;

    private PostgresSweepStore(PostgresSettings settings, int connections, TimeProvider time, PostgresSweepReader reader) : base(reader)
    {
        _reader = reader;
        _coordinators = new("sweep store, coordinators", time, Enumerable.Range(0, connections).Select(_ => new PostgresLink(settings)));
        _reports = new("sweep store, reports", time, new PostgresLink(settings));
    }

    /// <param name="connections">How many statements of coordinators run concurrently; one more connection is for reports.</param>
    /// <exception cref="StoreException">The schema is not the one of this program, or the database cannot be reached.</exception>
    public static async Task<PostgresSweepStore> OpenAsync(
        PostgresSettings settings, int connections, TimeProvider time, CancellationToken cancellation)
    {
        var reader = new PostgresSweepReader(settings);
        try
        {
            await reader.CheckAsync(cancellation);
            return new(settings, connections, time, reader);
        }
        catch
        {
            await reader.DisposeAsync();
            throw;
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await _reports.DisposeAsync();
        await _coordinators.DisposeAsync();
        await _reader.DisposeAsync();
    }

    protected override Task<T> TransactAsync<T>(Func<Session, T> body, string place) => _coordinators.TransactAsync(body, place);

    protected override Task<T> TransactAloneAsync<T>(Func<Session, T> body) => _coordinators.TransactAloneAsync(body);

    protected override Task<T> ReportAsync<T>(Func<Session, T> work) => _reports.ShareAsync(work);
}
