using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Training;

/// <summary>Trains a cohort as one stacked network: one code path for one trial and for many.</summary>
public sealed class FusedTrainer(TimeProvider time) : ITrainer
{
    private readonly CohortSizes _sizes = new(time);

    /// <exception cref="TrainingException">libtorch is missing.</exception>
    public int CohortSize(Configuration configuration) => _sizes.Of(configuration).Size;

    /// <summary>What training a trial of this configuration takes, in the cohorts that a slot would take it in.</summary>
    /// <returns>The cohort's size, and the trial's share of one slot's time, without evaluation.</returns>
    /// <exception cref="TrainingException">libtorch is missing, or the data do not suffice.</exception>
    public (int CohortSize, TimeSpan TrialTime) Estimate(Configuration configuration)
    {
        var (size, seconds) = _sizes.Of(configuration);
        var data = Dataset.Of(configuration[Parameters.Dataset]);
        var steps = Partition.Of(data.Labels, configuration, replicate: 1).Train.Length / configuration[Parameters.BatchSize];
        return (size, TimeSpan.FromSeconds(seconds * steps * configuration[Parameters.Epochs]));
    }

    /// <exception cref="TrainingException">libtorch is missing, or the data do not suffice.</exception>
    public ITrainingRun Start(Cohort cohort)
    {
        TorchRuntime.EnsureLoaded();
        TorchRuntime.FlushDenormals();
        return new FusedRun(cohort, time);
    }
}
