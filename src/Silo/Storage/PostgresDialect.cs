using Npgsql;

namespace DeepTrain.Cluster.Silo;

/// <summary>Transactions run beside each other: they lock a sweep's row first, then a silo's name, then trials by their keys.</summary>
internal sealed class PostgresDialect : Dialect
{
    public static readonly PostgresDialect Instance = new();

    private PostgresDialect()
    {
    }

    public override string Clock => "CAST(floor(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS bigint)";

    public override string Lock => " FOR NO KEY UPDATE";

    public override bool KeepsCommands => false;

    public override string IsIn(string list) => $"= ANY({list})";

    public override string IsAmong(string select) => $"= ANY(ARRAY({select}))";

    public override object List(IEnumerable<string> texts) => texts.ToArray();

    public override string Rows(RowSet rows) =>
        $"unnest({string.Join(", ", rows.Columns.Select(column => $"@{column.Name}"))}) AS r ({string.Join(", ", rows.Columns.Select(column => column.Name))})";

    public override IEnumerable<(string Name, object? Value)[]> Bindings(RowSet rows)
    {
        if (rows.Count > 0)
            yield return [.. rows.Columns.Select(column => ($"@{column.Name}", (object?)column.Values))];
    }

    public override void Exclude(Session session, string name) =>
        session.First("SELECT pg_advisory_xact_lock(hashtextextended(@name, 0))", _ => true, ("@name", name));

    // Longer than most transactions; much shorter than the server takes to look for who waits in a circle.
    public override void StopWaiting(Session session) => session.Execute("SET LOCAL lock_timeout = '200ms'");

    public override void Analyze(Session session, params ReadOnlySpan<string> tables) =>
        session.Execute($"ANALYZE {string.Join(", ", tables)}");

    public override bool IsOfData(Exception error) => error is PostgresException failure && PostgresFailure.IsOfData(failure);
}
