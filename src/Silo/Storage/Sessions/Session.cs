using System.Data.Common;

namespace DeepTrain.Cluster.Silo.Storage.Sessions;

/// <summary>A connection with its prepared statements. Belongs to one thread.</summary>
internal sealed class Session(DbConnection connection, Dialect dialect) : IDisposable
{
    /// <summary>How often a transaction is attempted if it conflicts with others.</summary>
    private const int Attempts = 10;

    private static readonly TimeSpan UsualPatience = TimeSpan.FromSeconds(10);

    private static readonly Sql Clock = new(dialect => $"SELECT {dialect.Clock}");

    private readonly Dictionary<Sql, string> _texts = [];
    private readonly Dictionary<string, DbCommand> _kept = [];
    private DbTransaction? _transaction;
    private bool _spoiled;

    public DbConnection Connection => connection;

    public Dialect Dialect => dialect;

    /// <summary>How long a statement of this transaction may take.</summary>
    public TimeSpan Patience { get; set; } = UsualPatience;

    /// <summary>The store's time, in milliseconds UTC.</summary>
    public long Now => First(Clock, row => row.GetInt64(0))!.Value;

    /// <summary>
    /// Runs the body as one transaction. SQLite runs one at a time; PostgreSQL's see what others have committed, so a body must lock the
    /// rows on which it decides.
    /// </summary>
    /// <remarks>
    /// Within another transaction it is part of that one, which succeeds or fails as a whole: once a part has failed, all later parts fail.
    /// </remarks>
    public T InTransaction<T>(Func<T> body)
    {
        if (_transaction is not null)
            return AsPart(body);
        for (var attempt = 1; ; attempt++)
        {
            using var transaction = connection.BeginTransaction();
            (_transaction, _spoiled) = (transaction, false);
            try
            {
                var result = body();
                if (_spoiled)
                    throw new TransactionSpoiledException();
                transaction.Commit();
                return result;
            }
            catch (DbException error) when (error.SqlState is SerializationFailure or Deadlock && attempt < Attempts)
            {
                // The transaction was rolled back, and the conflicting one has continued.
            }
            finally
            {
                _transaction = null;
                Patience = UsualPatience;
            }
        }
    }

    /// <returns>How many rows it changed.</returns>
    public int Execute(Sql sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        if (TextOf(sql) is not { Length: > 0 } text)
            return 0;
        using var statement = Bind(text, values);
        return statement.Command.ExecuteNonQuery();
    }

    /// <summary>Runs a statement with many rows, named as by <see cref="Dialect.Rows"/>.</summary>
    public void Execute(Sql sql, RowSet rows)
    {
        foreach (var values in dialect.Bindings(rows))
            Execute(sql, values);
    }

    /// <returns>The first row, or null if there is none.</returns>
    public T? First<T>(Sql sql, Func<DbDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> values)
        where T : struct
    {
        using var statement = Bind(TextOf(sql), values);
        using var reader = statement.Command.ExecuteReader();
        return reader.Read() ? read(reader) : null;
    }

    public List<T> Query<T>(Sql sql, Func<DbDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using var statement = Bind(TextOf(sql), values);
        using var reader = statement.Command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
            rows.Add(read(reader));
        return rows;
    }

    /// <summary>Runs a query with many rows, named as by <see cref="Dialect.Rows"/>.</summary>
    public List<T> Query<T>(Sql sql, Func<DbDataReader, T> read, RowSet rows)
    {
        var found = new List<T>();
        foreach (var values in dialect.Bindings(rows))
            found.AddRange(Query(sql, read, values));
        return found;
    }

    public void Dispose()
    {
        foreach (var command in _kept.Values)
            command.Dispose();
        connection.Dispose();
    }

    // https://www.postgresql.org/docs/current/errcodes-appendix.html
    private const string SerializationFailure = "40001";
    private const string Deadlock = "40P01";

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

    private string TextOf(Sql sql)
    {
        if (!_texts.TryGetValue(sql, out var text))
            _texts.Add(sql, text = sql.For(dialect));
        return text;
    }

    private Statement Bind(string sql, ReadOnlySpan<(string Name, object? Value)> values)
    {
        if (!_kept.TryGetValue(sql, out var command))
        {
            command = connection.CreateCommand();
            command.CommandText = sql;
            if (dialect.KeepsCommands)
                _kept.Add(sql, command);
        }
        command.Transaction = _transaction;
        command.CommandTimeout = (int)Patience.TotalSeconds;
        // A statement is used in one place of the program, so its parameters always have the same names in the same order.
        if (command.Parameters.Count != values.Length)
        {
            command.Parameters.Clear();
            foreach (var (name, _) in values)
            {
                var parameter = command.CreateParameter();
                parameter.ParameterName = name;
                command.Parameters.Add(parameter);
            }
        }
        for (var at = 0; at < values.Length; at++)
            command.Parameters[at].Value = values[at].Value ?? DBNull.Value;
        return new(command, dialect.KeepsCommands);
    }

    private readonly record struct Statement(DbCommand Command, bool IsKept) : IDisposable
    {
        public void Dispose()
        {
            if (!IsKept)
                Command.Dispose();
        }
    }
}

/// <summary>A part of a transaction has failed; nothing of the whole is stored.</summary>
internal sealed class TransactionSpoiledException() : Exception("A part of this transaction has failed, so nothing of it is stored.");
