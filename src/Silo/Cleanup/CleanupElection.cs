using DeepTrain.Cluster.Grains.Roles;

namespace DeepTrain.Cluster.Silo.Cleanup;

/// <summary>Elects the one silo of a cluster that deletes unneeded files and rows: the first active coordinator by address.</summary>
/// <remarks>Silos learn of membership changes at different times. Until then two may delete, or none: neither does harm.</remarks>
internal sealed class CleanupElection(ILocalSiloDetails self, ISiloStatusOracle membership, IClusterManifestProvider manifests)
{
    /// <summary>Whether this silo is elected.</summary>
    public bool IsWon => self.SiloAddress.Equals(membership.GetApproximateSiloStatuses(onlyActive: true).Keys.Where(Coordinates).Min());

    private bool Coordinates(SiloAddress silo) =>
        manifests.Current.Silos.TryGetValue(silo, out var manifest) && GrainRoles.IsCoordinator(manifest);
}
