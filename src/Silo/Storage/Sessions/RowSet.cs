namespace DeepTrain.Cluster.Silo.Storage.Sessions;

/// <summary>Rows that are passed to a statement, column by column.</summary>
internal abstract class RowSet(int count)
{
    private readonly List<(string Name, Array Values)> _columns = [];

    public int Count => count;

    public IReadOnlyList<(string Name, Array Values)> Columns => _columns;

    protected void Add(string name, Array values) => _columns.Add((name, values));
}

/// <summary>Rows made from one object each.</summary>
internal sealed class RowSet<T>(IReadOnlyCollection<T> rows) : RowSet(rows.Count)
{
    public RowSet<T> With<TValue>(string column, Func<T, TValue> value)
    {
        Add(column, rows.Select(value).ToArray());
        return this;
    }
}
