using System.Collections.Immutable;
using System.Net;
using DeepTrain.Cluster.Client.Tests;
using DeepTrain.Cluster.Silo.Cleanup;
using Orleans.Metadata;

namespace DeepTrain.Cluster.Silo.Tests;

/// <summary>Clusters that a test makes up, and who of them cleans up.</summary>
internal static class Elections
{
    /// <summary>Of a silo that is alone.</summary>
    public static CleanupElection Won => Of(1, (1, "sweep"));

    public static CleanupElection Lost => Of(2, (1, "sweep"), (2, "sweep"));

    /// <param name="self">The number of the silo that asks.</param>
    /// <param name="active">The numbers of active silos, in the order of their addresses, and what grains each of them hosts.</param>
    public static CleanupElection Of(int self, params (int Silo, string Grains)[] active) => new(
        Fake<ILocalSiloDetails>.Of((_, _) => Address(self)),
        Fake<ISiloStatusOracle>.Of((_, _) => active.ToDictionary(silo => Address(silo.Silo), _ => SiloStatus.Active)),
        Fake<IClusterManifestProvider>.Of((_, _) => new ClusterManifest(
            MajorMinorVersion.Zero, active.ToImmutableDictionary(silo => Address(silo.Silo), silo => Manifest(silo.Grains)))));

    private static SiloAddress Address(int number) => SiloAddress.New(IPAddress.Loopback, 11_110 + number, 1);

    private static GrainManifest Manifest(string grains) => new(
        grains.Split(' ').ToImmutableDictionary(GrainType.Create, _ => new GrainProperties(ImmutableDictionary.Create<string, string>(StringComparer.Ordinal))),
        ImmutableDictionary<GrainInterfaceType, GrainInterfaceProperties>.Empty);
}
