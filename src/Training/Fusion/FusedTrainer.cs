using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Training;

/// <summary>Trains a cohort as one stacked network: one code path for one trial and for many.</summary>
/// <param name="datasets">Where data sets are; null: where the environment says.</param>
public sealed class FusedTrainer(TimeProvider time, DatasetSources? datasets = null) : ITrainer
{
    private readonly DatasetSources _datasets = datasets ?? DatasetSources.Default;

    public int CohortSize(Configuration configuration) => CohortSizes.Of(configuration, _datasets);

    /// <exception cref="TrainingException">libtorch is missing, or the data do not suffice.</exception>
    public ITrainingRun Start(Cohort cohort)
    {
        TorchRuntime.EnsureLoaded();
        TorchRuntime.FlushDenormals();
        return new FusedRun(cohort, _datasets, time);
    }
}
