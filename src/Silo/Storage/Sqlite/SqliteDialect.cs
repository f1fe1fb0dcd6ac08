using System.Text.Json;
using DeepTrain.Cluster.Silo.Storage.Sessions;
using Microsoft.Data.Sqlite;

namespace DeepTrain.Cluster.Silo.Storage.Sqlite;

/// <summary>There is only one writer, so nothing needs a lock and rows are written one by one.</summary>
internal sealed class SqliteDialect : Dialect
{
    public static readonly SqliteDialect Instance = new();

    private SqliteDialect()
    {
    }

    /// <summary>The function that <see cref="SqliteDatabase"/> registers on its connections.</summary>
    public override string Clock => "now_ms()";

    public override string ForUpdate => "";

    public override string AdvisoryLock => "";

    public override string ShortLockTimeout => "";

    public override bool KeepsCommands => true;

    public override string ForUpdateOf(string table) => "";

    public override string InList(string parameter) => $"IN (SELECT value FROM json_each({parameter}))";

    public override string InSelect(string select) => $"IN ({select})";

    public override string Rows(params IReadOnlyList<string> columns) =>
        $"(SELECT {string.Join(", ", columns.Select(column => $"@{column} AS {column}"))}) AS r";

    public override string Analyze(params IEnumerable<string> tables) => "";

    public override object ListValue(IEnumerable<string> texts) => JsonSerializer.Serialize(texts);

    public override IEnumerable<(string Name, object? Value)[]> Bindings(RowSet rows)
    {
        for (var row = 0; row < rows.Count; row++)
            yield return [.. rows.Columns.Select(column => ($"@{column.Name}", column.Values.GetValue(row)))];
    }

    public override bool IsOfData(Exception error) => error is SqliteException failure && SqliteFailure.IsOfData(failure);
}
