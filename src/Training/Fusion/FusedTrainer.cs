using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Native;

namespace DeepTrain.Cluster.Training.Fusion;

/// <summary>Trains a cohort as one stacked network: one code path for one trial and for many.</summary>
/// <param name="datasets">Where data sets are; null: where the environment says.</param>
/// <param name="device">What it trains on; null: the processor.</param>
public sealed class FusedTrainer(TimeProvider time, DatasetSources? datasets = null, ComputeDevice? device = null) : ITrainer
{
    private readonly DatasetSources _datasets = datasets ?? DatasetSources.Default;
    private readonly ComputeDevice _device = device ?? ComputeDevice.Processor;
    private readonly CohortSizes _sizes = new(ThreadTime.For(device ?? ComputeDevice.Processor, time), device ?? ComputeDevice.Processor);

    /// <summary>Null where it cannot be tried, for lack of data or memory: the trials will say so, each for itself.</summary>
    /// <exception cref="TrainerException">libtorch is missing.</exception>
    public int? CohortSize(Configuration configuration)
    {
        TorchRuntime.EnsureLoaded();
        try
        {
            using var data = Dataset.Of(configuration, _datasets);
            return _sizes.Of(configuration, data.Info).Size;
        }
        catch (Exception error) when (error is not TrainerException { FailureClass: FailureClass.NoTorch })
        {
            return null;
        }
    }

    /// <summary>What training a trial of this configuration takes, in the cohorts that a slot would take it in.</summary>
    /// <returns>The cohort's size, and the trial's share of one slot's time, without evaluation.</returns>
    /// <exception cref="TrainerException">libtorch is missing, or the data do not suffice.</exception>
    public (int CohortSize, TimeSpan TrialTime) Estimate(Configuration configuration)
    {
        TorchRuntime.EnsureLoaded();
        using var data = Dataset.Of(configuration, _datasets);
        var steps = Partition.Of(data, configuration, replicate: 1).Train.Length / configuration[Parameters.BatchSize];
        var (size, seconds) = _sizes.Of(configuration, data.Info);
        return (size, TimeSpan.FromSeconds(seconds * steps * configuration[Parameters.Epochs]));
    }

    /// <exception cref="TrainerException">libtorch is missing, or the data do not suffice.</exception>
    public ITrainingRun Start(Cohort cohort)
    {
        TorchRuntime.EnsureLoaded();
        TorchRuntime.FlushDenormals();
        return new FusedRun(cohort, _datasets, _device, time);
    }
}
