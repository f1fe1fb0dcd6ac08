using System.Collections.Immutable;

namespace DeepTrain.Cluster.Sweeps;

/// <summary>Trials that one slot trains together as one stacked network: all of one <see cref="Configuration.FusionKey"/>.</summary>
/// <param name="Trials">At least one; of one replicate, or of several where one has too few to fill the device.</param>
/// <param name="Checkpoint">The file of a checkpoint that all of them are in; null: they start anew.</param>
/// <param name="Models">The folder for the models of those that complete, a file each; null: none is kept.</param>
public sealed record Cohort(ImmutableArray<CohortTrial> Trials, string? Checkpoint = null, string? Models = null);

/// <summary>A trial as its trainer sees it.</summary>
public sealed record CohortTrial(TrialId Id, Configuration Configuration);
