using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Grains.Trials;

/// <summary>The grains of trials, by their trials' ids.</summary>
/// <remarks>
/// Found by type name, whether or not a silo hosts such grains at the moment: Orleans' own lookup by interface throws if no known silo
/// hosts any. If all coordinators are temporarily unavailable, the caller would see that as its own error.
/// </remarks>
public static class TrialGrains
{
    internal const string Type = "trial";

    public static ITrialGrain Trial(this IGrainFactory grains, TrialId trial) =>
        grains.GetGrain<ITrialGrain>(GrainId.Create(Type, trial.ToString()));
}
