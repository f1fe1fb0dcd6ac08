namespace DeepTrain.Cluster.Grains.Dispatch;

/// <summary>The cluster's only dispatcher.</summary>
/// <remarks>
/// Found by the name of its type, whether or not a silo hosts such grains at the moment: Orleans' own lookup by interface throws where no
/// silo that it knows of hosts any, and where all coordinators are away for a while, that would be an error of the caller.
/// </remarks>
public static class DispatcherGrains
{
    internal const string Type = "dispatcher";

    private static readonly GrainId TheOnly = GrainId.Create(GrainType.Create(Type), GrainIdKeyExtensions.CreateIntegerKey(0));

    public static IDispatcherGrain Dispatcher(this IGrainFactory grains) => grains.GetGrain<IDispatcherGrain>(TheOnly);
}
