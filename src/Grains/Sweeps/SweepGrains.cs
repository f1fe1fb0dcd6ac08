namespace DeepTrain.Cluster.Grains.Sweeps;

/// <summary>The coordinators of sweeps, by their sweeps' ids.</summary>
/// <remarks>
/// Found by the name of its type, whether or not a silo hosts such grains at the moment: Orleans' own lookup by interface throws where no
/// silo that it knows of hosts any, and where all coordinators are away for a while, that would be an error of the caller.
/// </remarks>
public static class SweepGrains
{
    internal const string Type = "sweep";

    /// <summary>A sweep's coordinator.</summary>
    public static ISweepGrain Sweep(this IGrainFactory grains, string sweepId) =>
        grains.GetGrain<ISweepGrain>(GrainId.Create(Type, sweepId));
}
