namespace DeepTrain.Cluster.Silo.Storage.Sessions;

/// <summary>What differs between the databases of a store; all rules are the same.</summary>
internal abstract class Dialect
{
    /// <summary>An expression: the store's time, in milliseconds UTC.</summary>
    public abstract string Clock { get; }

    /// <summary>Ends a SELECT whose rows no other transaction may change until this one ends; empty if none can.</summary>
    public abstract string ForUpdate { get; }

    /// <summary>A statement that locks <c>@name</c> until the transaction ends; empty if transactions never run concurrently.</summary>
    public abstract string AdvisoryLock { get; }

    /// <summary>
    /// A statement: from now on the transaction fails soon if it has to wait for another's locks, since that one may be waiting for its
    /// own; empty if transactions never wait.
    /// </summary>
    public abstract string ShortLockTimeout { get; }

    /// <summary>Whether a statement is prepared by keeping its command; otherwise the client prepares frequent statements.</summary>
    public abstract bool KeepsCommands { get; }

    /// <summary>Like <see cref="ForUpdate"/>, for the rows of one of several tables.</summary>
    public abstract string ForUpdateOf(string table);

    /// <summary>Follows an expression: it is one of the texts of a parameter made by <see cref="ListValue"/>.</summary>
    public abstract string InList(string parameter);

    /// <summary>Follows a column: it is in the result of a SELECT, which is evaluated once, whatever the query plan.</summary>
    public abstract string InSelect(string select);

    /// <summary>A statement's source of rows, called <c>r</c>: those of a <see cref="RowSet"/> with these columns.</summary>
    public abstract string Rows(params IReadOnlyList<string> columns);

    /// <summary>A statement that updates the planner's statistics after tables have grown much; empty if that is not needed.</summary>
    public abstract string Analyze(params IEnumerable<string> tables);

    /// <summary>The value of a parameter that is a list.</summary>
    public abstract object ListValue(IEnumerable<string> texts);

    /// <summary>The parameters of a statement with <see cref="Rows"/>, once for each time that it has to run.</summary>
    public abstract IEnumerable<(string Name, object? Value)[]> Bindings(RowSet rows);

    /// <summary>Whether the data itself made a statement impossible, so that repeating it cannot help.</summary>
    public abstract bool IsOfData(Exception error);
}
