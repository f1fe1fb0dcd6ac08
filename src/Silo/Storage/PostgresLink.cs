using System.Data;
using System.Diagnostics;
using Npgsql;

namespace DeepTrain.Cluster.Silo;

/// <summary>One thread's connection to PostgreSQL, made when it is needed and made anew after it was lost.</summary>
internal sealed class PostgresLink(PostgresSettings settings) : IDisposable
{
    /// <summary>A call that came so long ago is not begun: those before it have found the server silent.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(12);

    private Session? _session;

    /// <param name="asked">When the call was made, as <see cref="Stopwatch.GetTimestamp"/>.</param>
    /// <exception cref="StoreException">The database refused, or was lost on the way; then the call may have been done.</exception>
    public T Run<T>(Func<Session, T> work, long asked)
    {
        if (Stopwatch.GetElapsedTime(asked) > LongestWait)
            throw PostgresFailure.Silent(settings);
        try
        {
            return work(_session ??= Connect());
        }
        catch (Exception error) when (PostgresFailure.CauseOf(error) is { } cause)
        {
            throw PostgresFailure.Explain(cause, settings);
        }
        finally
        {
            if (_session is { Connection.State: not ConnectionState.Open })
            {
                _session.Dispose();
                _session = null;
            }
        }
    }

    public void Dispose() => _session?.Dispose();

    private Session Connect()
    {
        var connection = new NpgsqlConnection(PostgresDatabase.ConnectionString(settings, pooled: false));
        try
        {
            connection.Open();
            using var set = connection.CreateCommand();
            // A silo that freezes within a transaction must not hold a sweep for longer than another needs to take over. Every statement
            // is written for an index, and tables grow faster than the planner learns of it.
            set.CommandText = """
                SET idle_in_transaction_session_timeout = '5s';
                SET lock_timeout = '8s';
                SET enable_seqscan = off;
                SET enable_hashjoin = off;
                SET enable_mergejoin = off;
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
