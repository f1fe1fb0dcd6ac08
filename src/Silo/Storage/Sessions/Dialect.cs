namespace DeepTrain.Cluster.Silo.Storage.Sessions;

/// <summary>What differs between the databases that a store can live in; all rules are the same.</summary>
internal abstract class Dialect
{
    /// <summary>An expression: the store's time, in milliseconds UTC.</summary>
    public abstract string Clock { get; }

    /// <summary>Ends a SELECT whose rows nobody else may change until the transaction ends; empty where nobody can.</summary>
    public abstract string ForUpdate { get; }

    /// <summary>A statement: one transaction at a time goes on that has given the same <c>@name</c>; empty where there is only one.</summary>
    public abstract string AdvisoryLock { get; }

    /// <summary>
    /// A statement: from now on the transaction fails soon where it has to wait for another's locks, as that one may be waiting for its
    /// own; empty where none waits.
    /// </summary>
    public abstract string ShortLockTimeout { get; }

    /// <summary>Whether a statement is prepared by keeping its command; else the client prepares what it sees often.</summary>
    public abstract bool KeepsCommands { get; }

    /// <summary>Like <see cref="ForUpdate"/>, of the rows of one of several tables.</summary>
    public abstract string ForUpdateOf(string table);

    /// <summary>Follows an expression: that it is one of the texts of a parameter, which <see cref="ListValue"/> makes.</summary>
    public abstract string InList(string parameter);

    /// <summary>Follows a column: that it is one of what a SELECT chooses, which is asked once however the rest is planned.</summary>
    public abstract string InSelect(string select);

    /// <summary>A statement's source of rows, called <c>r</c>: those of a <see cref="RowSet"/> with these columns.</summary>
    public abstract string Rows(params IReadOnlyList<string> columns);

    /// <summary>A statement that tells the planner of tables that have just grown much; empty where it finds out in time.</summary>
    public abstract string Analyze(params IEnumerable<string> tables);

    /// <summary>The value of a parameter that is a list.</summary>
    public abstract object ListValue(IEnumerable<string> texts);

    /// <summary>The parameters of a statement with <see cref="Rows"/>, once for each time that it has to run.</summary>
    public abstract IEnumerable<(string Name, object? Value)[]> Bindings(RowSet rows);

    /// <summary>Whether the data itself made a statement impossible, so that repeating it is of no use.</summary>
    public abstract bool IsOfData(Exception error);
}
