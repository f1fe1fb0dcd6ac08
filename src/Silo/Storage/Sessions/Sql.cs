namespace DeepTrain.Cluster.Silo.Storage.Sessions;

/// <summary>A statement, as each database wants it. All that a store says is declared as one.</summary>
/// <param name="text">Empty for a database that needs no such statement.</param>
internal sealed class Sql(Func<Dialect, string> text)
{
    /// <summary>A statement that every database understands.</summary>
    public Sql(string text) : this(_ => text)
    {
    }

    public string For(Dialect dialect) => text(dialect);
}
