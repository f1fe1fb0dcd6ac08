namespace DeepTrain.Cluster.Grains.Dispatch;

/// <summary>The cluster's only dispatcher.</summary>
/// <remarks>
/// Found by type name, whether or not a silo hosts such grains at the moment: Orleans' own lookup by interface throws if no known silo
/// hosts any. If all coordinators are temporarily unavailable, the caller would see that as its own error.
/// </remarks>
public static class DispatcherGrains
{
    internal const string Type = "dispatcher";

    private static readonly GrainId TheOnly = GrainId.Create(GrainType.Create(Type), GrainIdKeyExtensions.CreateIntegerKey(0));

    public static IDispatcherGrain Dispatcher(this IGrainFactory grains) => grains.GetGrain<IDispatcherGrain>(TheOnly);
}
