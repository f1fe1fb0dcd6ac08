namespace DeepTrain.Cluster.Silo.Storage.Sessions;

/// <summary>One thread's way to a database.</summary>
internal interface IStoreLink : IDisposable
{
    /// <summary>A call that has waited so long is not begun.</summary>
    TimeSpan LongestWait { get; }

    /// <summary>The session that work runs on, made anew where the last one was lost.</summary>
    /// <remarks>Fails as work on it does.</remarks>
    Session Open();

    /// <summary>Takes leave of a session that was lost. Comes after all work.</summary>
    void Settle();

    /// <summary>What a failure means for whoever asked, or the failure itself if it is none of the database's; null: the call was not begun in time.</summary>
    Exception Explain(Exception? failure);
}
