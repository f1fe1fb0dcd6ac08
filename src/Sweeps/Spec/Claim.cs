using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;

namespace DeepTrain.Cluster.Sweeps.Spec;

/// <summary>What the team expects of one factor: its levels, ordered from best to worst.</summary>
public sealed record Claim(string Factor, ImmutableArray<ParameterValue> Order);
