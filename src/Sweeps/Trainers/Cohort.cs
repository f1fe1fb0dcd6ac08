using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Sweeps.Trainers;

/// <summary>Trials that one slot trains together as one stacked network. All have the same <see cref="Configuration.FusionKey"/>.</summary>
/// <param name="Trials">At least one trial. They come from several replicates where one replicate has too few to fill the device.</param>
/// <param name="Checkpoint">The checkpoint file that contains all of the trials; null where they start from the first epoch.</param>
/// <param name="Models">Where the models of completed trials are written, one file each; null where no model is kept.</param>
public sealed record Cohort(ImmutableArray<CohortTrial> Trials, string? Checkpoint = null, ModelFolder? Models = null)
{
    /// <summary>The metric that the last epoch of a completed trial must report; null where none is required.</summary>
    public Metric? Objective { get; init; }
}

/// <summary>What a trainer knows about a trial.</summary>
public sealed record CohortTrial(TrialId Id, Configuration Configuration);

/// <summary>The folder that holds the models of one sweep.</summary>
/// <param name="onFailure">Called when a model cannot be written. The result of its trial remains valid.</param>
public sealed class ModelFolder(string path, Action<TrialId, Exception> onFailure)
{
    /// <summary>Writes the model of a trial into the folder.</summary>
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
