using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Sweeps.Trainers;

/// <summary>Trials that one slot trains together as one stacked network: all of one <see cref="Configuration.FusionKey"/>.</summary>
/// <param name="Trials">At least one; of one replicate, or of several where one has too few to fill the device.</param>
/// <param name="Checkpoint">The file of a checkpoint that all of them are in; null: they start anew.</param>
/// <param name="Models">Where the models of those that complete go, a file each; null: none is kept.</param>
public sealed record Cohort(ImmutableArray<CohortTrial> Trials, string? Checkpoint = null, ModelFolder? Models = null)
{
    /// <summary>What the last epoch of a trial that completes must have; null: nobody asks for any.</summary>
    public Metric? Objective { get; init; }
}

/// <summary>A trial as its trainer sees it.</summary>
public sealed record CohortTrial(TrialId Id, Configuration Configuration);

/// <summary>The folder that the models of one sweep are kept in.</summary>
/// <param name="onFailure">Told of a model that could not be written: its trial's result stands without it.</param>
public sealed class ModelFolder(string path, Action<TrialId, Exception> onFailure)
{
    /// <summary>Has a trial's model written into the folder.</summary>
    public void Keep(TrialId trial, Action<string> writeInto)
    {
        try
        {
            writeInto(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            onFailure(trial, error);
        }
    }
}
