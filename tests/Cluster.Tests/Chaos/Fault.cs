namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>What chaos does to a silo.</summary>
internal enum Fault
{
    /// <summary>SIGKILL; another is started in its place.</summary>
    Kill,

    /// <summary>SIGSTOP, and SIGCONT after its leases ran out; should it end itself then, another is started in its place.</summary>
    Freeze,

    /// <summary>SIGTERM; another is started in its place once it has ended.</summary>
    Terminate,
}
