using Microsoft.Data.Sqlite;

namespace DeepTrain.Cluster.Silo;

/// <summary>A connection with its prepared statements, each prepared once. Belongs to one thread.</summary>
internal sealed class SqliteSession(SqliteConnection connection) : IDisposable
{
    private readonly Dictionary<string, SqliteCommand> _commands = [];
    private SqliteTransaction? _transaction;
    private bool _spoiled;

    public SqliteConnection Connection => connection;

    /// <summary>Takes the write lock first, so that nothing that was read can change before it is acted upon.</summary>
    /// <remarks>
    /// Within another one it is a part of that, which stands or falls as a whole: once a part has failed, so does whatever comes after.
    /// </remarks>
    public T InTransaction<T>(Func<T> body)
    {
        if (_transaction is not null)
            return AsPart(body);
        using var transaction = connection.BeginTransaction(deferred: false);
        _transaction = transaction;
        _spoiled = false;
        try
        {
            var result = body();
            if (_spoiled)
                throw new TransactionSpoiledException();
            transaction.Commit();
            return result;
        }
        finally
        {
            _transaction = null;
        }
    }

    /// <returns>How many rows it changed.</returns>
    public int Execute(string sql, params ReadOnlySpan<(string Name, object? Value)> values) => Bind(sql, values).ExecuteNonQuery();

    /// <returns>The first row, or null if there is none.</returns>
    public T? First<T>(string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> values)
        where T : struct
    {
        using var reader = Bind(sql, values).ExecuteReader();
        return reader.Read() ? read(reader) : null;
    }

    public IEnumerable<T> Query<T>(string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        return Read(Bind(sql, values), read);

        static IEnumerable<T> Read(SqliteCommand command, Func<SqliteDataReader, T> read)
        {
            using var reader = command.ExecuteReader();
            while (reader.Read())
                yield return read(reader);
        }
    }

    public void Dispose()
    {
        foreach (var command in _commands.Values)
            command.Dispose();
        connection.Dispose();
    }

    private T AsPart<T>(Func<T> body)
    {
        if (_spoiled)
            throw new TransactionSpoiledException();
        try
        {
            return body();
        }
        catch
        {
            _spoiled = true;
            throw;
        }
    }

    private SqliteCommand Bind(string sql, ReadOnlySpan<(string Name, object? Value)> values)
    {
        if (!_commands.TryGetValue(sql, out var command))
        {
            command = new(sql, connection);
            _commands.Add(sql, command);
        }
        command.Transaction = _transaction;
        // A statement is always given the same names in the same order, from its one place in the program.
        if (command.Parameters.Count != values.Length)
        {
            command.Parameters.Clear();
            foreach (var (name, _) in values)
                command.Parameters.Add(new() { ParameterName = name });
        }
        for (var at = 0; at < values.Length; at++)
            command.Parameters[at].Value = values[at].Value ?? DBNull.Value;
        return command;
    }
}

/// <summary>A part of a transaction has failed; nothing of the whole is stored.</summary>
internal sealed class TransactionSpoiledException() : Exception("A part of this transaction has failed, so nothing of it is stored.");
