using System.Data;
using DeepTrain.Cluster.Silo.Settings;
using DeepTrain.Cluster.Silo.Storage.Sessions;
using Npgsql;

namespace DeepTrain.Cluster.Silo.Storage.Postgres;

/// <summary>One thread's connection to PostgreSQL, opened when needed and reopened after it was lost.</summary>
internal sealed class PostgresLink(PostgresSettings settings) : IStoreLink
{
    private Session? _session;

    /// <summary>After this time, earlier calls have shown that the server does not answer.</summary>
    public TimeSpan LongestWait { get; } = TimeSpan.FromSeconds(12);

    public Session Open() => _session ??= Connect();

    public void DropLostSession()
    {
        if (_session is { Connection.State: not ConnectionState.Open })
        {
            _session.Dispose();
            _session = null;
        }
    }

    public Exception Explain(Exception? failure) => failure is null ? PostgresFailure.Silent(settings)
        : PostgresFailure.CauseOf(failure) is { } cause ? PostgresFailure.Explain(cause, settings)
        : failure;

    public void Dispose() => _session?.Dispose();

    private Session Connect()
    {
        var connection = new NpgsqlConnection(PostgresDatabase.ConnectionString(settings, pooled: false));
        try
        {
            connection.Open();
            using var set = connection.CreateCommand();
            // A silo that hangs within a transaction must not block a sweep for longer than a takeover needs. Every statement is written
            // for an index, and tables grow faster than the planner's statistics: a bitmap scan would collect and sort all waiting trials
            // to find the first few.
            set.CommandText = """
                SET idle_in_transaction_session_timeout = '5s';
                SET lock_timeout = '8s';
                SET enable_seqscan = off;
                SET enable_hashjoin = off;
                SET enable_mergejoin = off;
                SET enable_bitmapscan = off;
                SET jit = off;
                SET plan_cache_mode = force_generic_plan;
                SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
                """;
            set.ExecuteNonQuery();
            return new(connection, PostgresDialect.Instance);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}
