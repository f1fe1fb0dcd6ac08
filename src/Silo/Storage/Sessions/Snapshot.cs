using System.Collections.Immutable;
using System.Data.Common;

namespace DeepTrain.Cluster.Silo.Storage.Sessions;

/// <summary>One consistent state of a store, for queries.</summary>
internal sealed class Snapshot(DbTransaction transaction, Dialect dialect, CancellationToken cancellation)
{
    /// <inheritdoc cref="Dialect.ListValue"/>
    public object ListValue(IEnumerable<string> texts) => dialect.ListValue(texts);

    public async Task<ImmutableArray<T>> QueryAsync<T>(Sql sql, Func<DbDataReader, T> read, params (string Name, object Value)[] values)
    {
        await using var command = transaction.Connection!.CreateCommand();
        command.CommandText = sql.For(dialect);
        command.Transaction = transaction;
        foreach (var (name, value) in values)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, value);
            command.Parameters.Add(parameter);
        }
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = ImmutableArray.CreateBuilder<T>();
        while (await reader.ReadAsync(cancellation))
            rows.Add(read(reader));
        return rows.DrainToImmutable();
    }
}
