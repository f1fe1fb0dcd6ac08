using Microsoft.Data.Sqlite;

namespace DeepTrain.Cluster.Silo;

/// <summary>A connection with its prepared statements, each prepared once. Belongs to one thread.</summary>
internal sealed class SqliteSession(SqliteConnection connection) : IDisposable
{
    private readonly Dictionary<string, SqliteCommand> _commands = [];
    private SqliteTransaction? _transaction;

    public SqliteConnection Connection => connection;

    /// <summary>Takes the write lock first, so that nothing that was read can change before it is acted upon.</summary>
    public T InTransaction<T>(Func<T> body)
    {
        using var transaction = connection.BeginTransaction(deferred: false);
        _transaction = transaction;
        try
        {
            var result = body();
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

    private SqliteCommand Bind(string sql, ReadOnlySpan<(string Name, object? Value)> values)
    {
        if (!_commands.TryGetValue(sql, out var command))
        {
            command = new(sql, connection);
            _commands.Add(sql, command);
        }
        command.Transaction = _transaction;
        command.Parameters.Clear();
        foreach (var (name, value) in values)
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }
}
