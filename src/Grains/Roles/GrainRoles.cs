using DeepTrain.Cluster.Grains.Dispatch;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Grains.Trials;
using Orleans.Configuration;
using Orleans.Metadata;

namespace DeepTrain.Cluster.Grains.Roles;

/// <summary>Which silos host which grains: coordinators host no trial grains, workers host no sweep grains.</summary>
public static class GrainRoles
{
    public static void Restrict(GrainTypeOptions options, bool coordinates, bool trains)
    {
        if (!coordinates)
        {
            options.Classes.Remove(typeof(SweepGrain));
            options.Classes.Remove(typeof(DispatcherGrain));
        }
        if (!trains)
            options.Classes.Remove(typeof(TrialGrain));
    }

    /// <summary>Whether a silo hosts the coordinators of sweeps.</summary>
    /// <param name="silo">The silo's manifest of grains.</param>
    public static bool IsCoordinator(GrainManifest silo) => silo.Grains.ContainsKey(GrainType.Create(SweepGrains.Type));
}
