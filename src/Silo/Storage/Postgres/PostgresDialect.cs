using DeepTrain.Cluster.Silo.Storage.Sessions;
using Npgsql;

namespace DeepTrain.Cluster.Silo.Storage.Postgres;

/// <summary>Transactions run concurrently: they lock a sweep's row first, then a silo's name, then trials by their keys.</summary>
internal sealed class PostgresDialect : Dialect
{
    public static readonly PostgresDialect Instance = new();

    private PostgresDialect()
    {
    }

    public override string Clock => "CAST(floor(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS bigint)";

    public override string ForUpdate => " FOR NO KEY UPDATE";

    public override string AdvisoryLock => "SELECT pg_advisory_xact_lock(hashtextextended(@name, 0))";

    // Longer than most transactions, and much shorter than the server's deadlock timeout.
    public override string ShortLockTimeout => "SET LOCAL lock_timeout = '200ms'";

    public override bool KeepsCommands => false;

    public override string ForUpdateOf(string table) => $"{ForUpdate} OF {table}";

    public override string InList(string parameter) => $"= ANY({parameter})";

    public override string InSelect(string select) => $"= ANY(ARRAY({select}))";

    public override string Rows(params IReadOnlyList<string> columns) =>
        $"unnest({string.Join(", ", columns.Select(column => $"@{column}"))}) AS r ({string.Join(", ", columns)})";

    public override string Analyze(params IEnumerable<string> tables) => $"ANALYZE {string.Join(", ", tables)}";

    public override object ListValue(IEnumerable<string> texts) => texts.ToArray();

    public override IEnumerable<(string Name, object? Value)[]> Bindings(RowSet rows)
    {
        if (rows.Count > 0)
            yield return [.. rows.Columns.Select(column => ($"@{column.Name}", (object?)column.Values))];
    }

    public override bool IsOfData(Exception error) => error is PostgresException failure && PostgresFailure.IsOfData(failure);
}
