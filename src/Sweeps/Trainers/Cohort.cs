using System.Collections.Immutable;

namespace DeepTrain.Cluster.Sweeps;

/// <summary>Trials that one slot trains together as one stacked network: all of one <see cref="Configuration.FusionKey"/>.</summary>
/// <param name="Trials">At least one; of one replicate, or of several where one has too few to fill the device.</param>
public sealed record Cohort(ImmutableArray<CohortTrial> Trials);

/// <summary>A trial as its trainer sees it.</summary>
public sealed record CohortTrial(TrialId Id, Configuration Configuration);
