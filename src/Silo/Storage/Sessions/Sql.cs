namespace DeepTrain.Cluster.Silo.Storage.Sessions;

/// <summary>A statement in the SQL of each database. Every statement of a store is declared as one of these.</summary>
/// <param name="text">Returns an empty text for a database that needs no such statement.</param>
internal sealed class Sql(Func<Dialect, string> text)
{
    /// <summary>A statement that is the same in every database.</summary>
    public Sql(string text) : this(_ => text)
    {
    }

    public string For(Dialect dialect) => text(dialect);
}
