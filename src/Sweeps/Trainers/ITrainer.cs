using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Sweeps.Trainers;

/// <summary>The interface between scheduling and training: it takes a cohort and returns a report for each trial and epoch.</summary>
public interface ITrainer
{
    /// <summary>The best number of such trials to train together in one slot, at least 1; null where it is not known yet.</summary>
    int? CohortSize(Configuration configuration);

    /// <summary>Prepares a cohort. The run must be used and disposed on the calling thread.</summary>
    /// <exception cref="InvalidDataException">The checkpoint is damaged, comes from another build or lacks one of the trials.</exception>
    /// <exception cref="IOException">The checkpoint does not exist or cannot be read.</exception>
    ITrainingRun Start(Cohort cohort);
}

/// <summary>A cohort in training.</summary>
/// <remarks>
/// What a trial reports depends only on its configuration, its replicate and the data, not on the other trials of the cohort.
/// </remarks>
public interface ITrainingRun : IDisposable
{
    /// <summary>The trials that are still in training.</summary>
    IReadOnlyCollection<TrialId> InTraining { get; }

    /// <summary>The number of finished epochs. It starts above 0 where the run resumes from a checkpoint.</summary>
    int Epoch { get; }

    /// <summary>Whether <see cref="Save"/> works after an interrupted epoch, by saving the state before that epoch.</summary>
    bool SavesWithinEpochs => false;

    /// <summary>Reports each trial as epoch 0, without an ending. Empty where the trainer does not measure it.</summary>
    IReadOnlyList<EpochReport> ReportStart();

    /// <summary>Trains one epoch and reports each trial. A trial whose report has an ending leaves the training.</summary>
    /// <param name="stop">Interrupts the epoch.</param>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> was cancelled. Only saving and disposing are then allowed.</exception>
    IReadOnlyList<EpochReport> TrainEpoch(CancellationToken stop = default);

    /// <summary>Removes trials between epochs, without a report.</summary>
    void Leave(IReadOnlyCollection<TrialId> trials);

    /// <summary>Writes a checkpoint from which the trials can resume. A power failure leaves either the whole file or none.</summary>
    /// <exception cref="IOException">The file cannot be written. The run can continue.</exception>
    void Save(string path);
}
