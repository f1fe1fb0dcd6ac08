using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Grains.Trials;

/// <summary>The grains of trials, by their trials' ids.</summary>
/// <remarks>
/// Found by the name of its type, whether or not a silo hosts such grains at the moment: Orleans' own lookup by interface throws where no
/// silo that it knows of hosts any, and where all coordinators are away for a while, that would be an error of the caller.
/// </remarks>
public static class TrialGrains
{
    internal const string Type = "trial";

    public static ITrialGrain Trial(this IGrainFactory grains, TrialId trial) =>
        grains.GetGrain<ITrialGrain>(GrainId.Create(Type, trial.ToString()));
}
