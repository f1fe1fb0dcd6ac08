namespace DeepTrain.Cluster.Silo;

/// <summary>What differs between the databases that a store can live in; all rules are the same.</summary>
internal abstract class Dialect
{
    /// <summary>An expression: the store's time, in milliseconds UTC.</summary>
    public abstract string Clock { get; }

    /// <summary>Ends a SELECT whose rows nobody else may change until the transaction ends; empty where nobody can.</summary>
    public abstract string Lock { get; }

    /// <summary>Whether a statement is prepared by keeping its command; else the client prepares what it sees often.</summary>
    public abstract bool KeepsCommands { get; }

    /// <summary>Follows an expression: that it is one of a list's texts.</summary>
    public abstract string IsIn(string list);

    /// <summary>Follows a column: that it is one of what a SELECT chooses, which is asked once however the rest is planned.</summary>
    public abstract string IsAmong(string select);

    /// <summary>The value of a parameter that is a list.</summary>
    public abstract object List(IEnumerable<string> texts);

    /// <summary>A statement's source of rows, called <c>r</c>.</summary>
    public abstract string Rows(RowSet rows);

    /// <summary>The parameters of a statement that has such a source, once for each time that it has to run.</summary>
    public abstract IEnumerable<(string Name, object? Value)[]> Bindings(RowSet rows);

    /// <summary>Lets one transaction at a time go on that names the same thing.</summary>
    public abstract void Exclude(Session session, string name);

    /// <summary>From now on the transaction fails soon where it has to wait for another's locks: that one may be waiting for its own.</summary>
    public abstract void StopWaiting(Session session);

    /// <summary>Tells the planner of tables that have just grown much, where it would find out too late.</summary>
    public abstract void Analyze(Session session, params ReadOnlySpan<string> tables);

    /// <summary>Whether the data itself made a statement impossible, so that repeating it is of no use.</summary>
    public abstract bool IsOfData(Exception error);
}
