using DeepTrain.Cluster.Grains.Store;

namespace DeepTrain.Cluster.Grains.Monitoring;

/// <param name="Waiting">Trials without a lease or an outcome.</param>
/// <param name="Running">Trials under a lease.</param>
/// <param name="Best">Null while no cell has completed all its replicates.</param>
[GenerateSerializer, Immutable, Alias("DeepTrain.SweepProgress")]
public sealed record SweepProgress(
    [property: Id(0)] string SweepId,
    [property: Id(1)] SweepStatus Status,
    [property: Id(2)] int Total,
    [property: Id(3)] int Waiting,
    [property: Id(4)] int Running,
    [property: Id(5)] int Completed,
    [property: Id(6)] int Diverged,
    [property: Id(7)] int Stopped,
    [property: Id(8)] int Failed,
    [property: Id(9)] int Cancelled,
    [property: Id(10)] BestCell? Best)
{
    public int Ended => Completed + Diverged + Stopped + Failed + Cancelled;
}
