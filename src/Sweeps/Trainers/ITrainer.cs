using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Sweeps.Trainers;

/// <summary>The one seam between orchestration and training: a cohort in, epoch reports out, leave and stop between.</summary>
public interface ITrainer
{
    /// <summary>How many trials like this one a slot trains together at best; at least 1. Null: it cannot be told now, and may be later.</summary>
    int? CohortSize(Configuration configuration);

    /// <summary>Prepares a cohort. The run, its epochs and its disposal must stay on the calling thread.</summary>
    /// <exception cref="InvalidDataException">The cohort's checkpoint is damaged, of another build, or lacks one of the trials.</exception>
    /// <exception cref="IOException">The cohort's checkpoint is not there, or cannot be read.</exception>
    ITrainingRun Start(Cohort cohort);
}

/// <summary>A cohort in training.</summary>
/// <remarks>
/// What a trial reports depends on its configuration, its replicate and the data only: not on who trains beside it, who leaves, or when.
/// </remarks>
public interface ITrainingRun : IDisposable
{
    /// <summary>The trials that are still being trained.</summary>
    IReadOnlyCollection<TrialId> InTraining { get; }

    /// <summary>The epochs that are behind; more than 0 at the start of a run that goes on from a checkpoint.</summary>
    int Epoch { get; }

    /// <summary>Whether it can be saved after an epoch was broken off, as it was before that epoch. Who is to end need not wait for it then.</summary>
    bool SavesWithinEpochs => false;

    /// <summary>What trials show before the first epoch: a report for each trial in training, of epoch 0 and without an ending; none where the trainer does not look.</summary>
    IReadOnlyList<EpochReport> ReportStart();

    /// <summary>Trains one epoch: a report for each trial in training. Those whose report has an ending have left.</summary>
    /// <param name="stop">Ends it early, where the wait for the epoch's end would be too long.</param>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> was cancelled; the run can only be disposed, or else saved.</exception>
    IReadOnlyList<EpochReport> TrainEpoch(CancellationToken stop = default);

    /// <summary>Takes trials off between epochs, without a report.</summary>
    void Leave(IReadOnlyCollection<TrialId> trials);

    /// <summary>Writes all that the trials in training need to resume from here, so that a power failure leaves the whole file or none.</summary>
    /// <exception cref="IOException">It cannot be written; the run goes on as if it had not been asked to.</exception>
    void Save(string path);
}
