using Orleans.Configuration;

namespace DeepTrain.Cluster.Grains;

/// <summary>Which silos host which grains: coordinators never a trial's, workers never a sweep's.</summary>
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
}
