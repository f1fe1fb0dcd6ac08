using System.Collections.Immutable;

namespace DeepTrain.Cluster.Sweeps;

/// <summary>What the team expects of one factor: its levels from best to worst.</summary>
public sealed record Claim(string Factor, ImmutableArray<ParameterValue> Order);
