using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Grains;

/// <summary>The grains by the names that they have in a cluster, whether or not a silo hosts such grains at the moment.</summary>
/// <remarks>
/// Orleans' own lookup by interface throws where no silo that it knows of hosts any: where all coordinators are away, that would be an
/// error of the caller, and not one that passes.
/// </remarks>
public static class GrainIds
{
    internal const string SweepType = "sweep";
    internal const string TrialType = "trial";
    internal const string DispatcherType = "dispatcher";

    private static readonly GrainId TheDispatcher = GrainId.Create(GrainType.Create(DispatcherType), GrainIdKeyExtensions.CreateIntegerKey(0));

    /// <summary>A sweep's coordinator.</summary>
    public static ISweepGrain Sweep(this IGrainFactory grains, string sweepId) =>
        grains.GetGrain<ISweepGrain>(GrainId.Create(SweepType, sweepId));

    public static ITrialGrain Trial(this IGrainFactory grains, TrialId trial) =>
        grains.GetGrain<ITrialGrain>(GrainId.Create(TrialType, trial.ToString()));

    /// <summary>The cluster's only one.</summary>
    public static IDispatcherGrain Dispatcher(this IGrainFactory grains) => grains.GetGrain<IDispatcherGrain>(TheDispatcher);
}
