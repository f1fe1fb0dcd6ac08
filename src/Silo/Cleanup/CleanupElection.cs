using DeepTrain.Cluster.Grains.Roles;

namespace DeepTrain.Cluster.Silo.Cleanup;

/// <summary>Elects the one silo of a cluster that deletes what nobody needs: of the coordinators that are active, the first by address.</summary>
/// <remarks>A change of membership reaches silos one after the other. Until then two of them may delete, or none: neither does harm.</remarks>
internal sealed class CleanupElection(ILocalSiloDetails self, ISiloStatusOracle membership, IClusterManifestProvider manifests)
{
    /// <summary>Whether this silo is the one.</summary>
    public bool IsWon => self.SiloAddress.Equals(membership.GetApproximateSiloStatuses(onlyActive: true).Keys.Where(Coordinates).Min());

    private bool Coordinates(SiloAddress silo) =>
        manifests.Current.Silos.TryGetValue(silo, out var manifest) && GrainRoles.IsCoordinator(manifest);
}
