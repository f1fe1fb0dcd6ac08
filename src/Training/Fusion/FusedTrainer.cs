using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Training;

/// <summary>Trains a cohort as one stacked network: one code path for one trial and for many.</summary>
public sealed class FusedTrainer(TimeProvider time) : ITrainer
{
    private readonly CohortSizes _sizes = new(time);

    /// <exception cref="TrainingException">libtorch is missing.</exception>
    public int CohortSize(Configuration configuration) => _sizes.Of(configuration);

    /// <exception cref="TrainingException">libtorch is missing, or the data do not suffice.</exception>
    public ITrainingRun Start(Cohort cohort)
    {
        TorchRuntime.EnsureLoaded();
        TorchRuntime.FlushDenormals();
        return new FusedRun(cohort, time);
    }
}
