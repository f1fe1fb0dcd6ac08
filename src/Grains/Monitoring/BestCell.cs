namespace DeepTrain.Cluster.Grains.Monitoring;

/// <param name="Cell">The cell's levels, as <c>factor=level</c> joined by commas; empty if no factor varies.</param>
/// <param name="Objective">The mean over its replicates.</param>
[GenerateSerializer, Immutable, Alias("DeepTrain.BestCell")]
public sealed record BestCell([property: Id(0)] string Cell, [property: Id(1)] double Objective);
