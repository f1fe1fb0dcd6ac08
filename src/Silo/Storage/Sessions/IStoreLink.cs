namespace DeepTrain.Cluster.Silo.Storage.Sessions;

/// <summary>One thread's connection to a database.</summary>
internal interface IStoreLink : IDisposable
{
    /// <summary>A call that has waited longer than this is not started.</summary>
    TimeSpan LongestWait { get; }

    /// <summary>Returns the session for calls, reopened if the last one was lost.</summary>
    /// <remarks>Throws the same errors as calls on it.</remarks>
    Session Open();

    /// <summary>Closes a session that was lost. Called after each call.</summary>
    void DropLostSession();

    /// <summary>Explains a failure of the database, and returns others unchanged; null: the call was not started in time.</summary>
    Exception Explain(Exception? failure);
}
