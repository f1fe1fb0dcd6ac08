using System.Data;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Settings;
using DeepTrain.Cluster.Silo.Storage.Sessions;
using Npgsql;

namespace DeepTrain.Cluster.Silo.Storage.Postgres;

/// <summary>Reads the cluster's database over its own connections.</summary>
public sealed class PostgresSweepReader(PostgresSettings settings) : SweepReader, IAsyncDisposable
{
    private readonly NpgsqlDataSource _source = NpgsqlDataSource.Create(PostgresDatabase.ConnectionString(settings, pooled: true));
    private volatile bool _checked;

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    /// <exception cref="StoreException">The schema is not the one of this program, or the database cannot be reached.</exception>
    internal Task CheckAsync(CancellationToken cancellation) => ReadAsync(_ => Task.FromResult(true), true, cancellation);

    private protected override async Task<T> ReadAsync<T>(
        Func<Snapshot, Task<T>> read, T none, CancellationToken cancellation)
    {
        try
        {
            await using var connection = await _source.OpenConnectionAsync(cancellation);
            if (!_checked)
            {
                await PostgresDatabase.CheckAsync(connection, settings, cancellation);
                _checked = true;
            }
            await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellation);
            return await read(new(transaction, PostgresDialect.Instance, cancellation));
        }
        catch (Exception error) when (PostgresFailure.CauseOf(error) is { } cause)
        {
            // The pool's other connections are most likely lost too, and each would fail a call.
            _source.Clear();
            throw PostgresFailure.Explain(cause, settings);
        }
    }
}
