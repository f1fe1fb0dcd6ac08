namespace DeepTrain.Cluster.Grains.Sweeps;

/// <summary>The coordinators of sweeps, by their sweeps' ids.</summary>
/// <remarks>
/// Found by type name, whether or not a silo hosts such grains at the moment: Orleans' own lookup by interface throws if no known silo
/// hosts any. If all coordinators are temporarily unavailable, the caller would see that as its own error.
/// </remarks>
public static class SweepGrains
{
    internal const string Type = "sweep";

    /// <summary>A sweep's coordinator.</summary>
    public static ISweepGrain Sweep(this IGrainFactory grains, string sweepId) =>
        grains.GetGrain<ISweepGrain>(GrainId.Create(Type, sweepId));
}
