using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace DeepTrain.Cluster.Silo;

/// <summary>Its one writer has the database to itself, so that nothing needs a lock, and rows are written one by one.</summary>
internal sealed class SqliteDialect : Dialect
{
    public static readonly SqliteDialect Instance = new();

    private SqliteDialect()
    {
    }

    /// <summary>The function that <see cref="SqliteDatabase"/> gives to its connections.</summary>
    public override string Clock => "now_ms()";

    public override string Lock => "";

    public override bool KeepsCommands => true;

    public override string IsIn(string list) => $"IN (SELECT value FROM json_each({list}))";

    public override string IsAmong(string select) => $"IN ({select})";

    public override object List(IEnumerable<string> texts) => JsonSerializer.Serialize(texts);

    public override string Rows(RowSet rows) =>
        $"(SELECT {string.Join(", ", rows.Columns.Select(column => $"@{column.Name} AS {column.Name}"))}) AS r";

    public override IEnumerable<(string Name, object? Value)[]> Bindings(RowSet rows)
    {
        for (var row = 0; row < rows.Count; row++)
            yield return [.. rows.Columns.Select(column => ($"@{column.Name}", column.Values.GetValue(row)))];
    }

    public override void Exclude(Session session, string name)
    {
    }

    public override void StopWaiting(Session session)
    {
    }

    public override void Analyze(Session session, params ReadOnlySpan<string> tables)
    {
    }

    public override bool IsOfData(Exception error) => error is SqliteException failure && SqliteFailure.IsOfData(failure);
}
