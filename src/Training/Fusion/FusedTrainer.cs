using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Native;

namespace DeepTrain.Cluster.Training.Fusion;

/// <summary>Trains a cohort as one stacked network, with the same code for one trial and for many.</summary>
/// <param name="datasets">Where to find data sets; null: where the environment says.</param>
/// <param name="device">The device to train on; null: the processor.</param>
public sealed class FusedTrainer(TimeProvider time, DatasetSources? datasets = null, ComputeDevice? device = null) : ITrainer
{
    private readonly DatasetSources _datasets = datasets ?? DatasetSources.Default;
    private readonly ComputeDevice _device = device ?? ComputeDevice.Processor;
    private readonly CohortSizes _sizes = new(ThreadTime.For(device ?? ComputeDevice.Processor, time), device ?? ComputeDevice.Processor);

    /// <summary>Null where it cannot be measured for lack of data or memory. Each trial then reports the problem itself.</summary>
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

    /// <summary>Estimates the training time of a trial of this configuration in a cohort of the best size.</summary>
    /// <returns>The cohort size, and the trial's share of the time of one slot, without evaluation.</returns>
    /// <exception cref="TrainerException">libtorch is missing, or there are not enough data.</exception>
    public (int CohortSize, TimeSpan TrialTime) Estimate(Configuration configuration)
    {
        TorchRuntime.EnsureLoaded();
        using var data = Dataset.Of(configuration, _datasets);
        var steps = Partition.Of(data, configuration, replicate: 1).Train.Length / configuration[Parameters.BatchSize];
        var (size, seconds) = _sizes.Of(configuration, data.Info);
        return (size, TimeSpan.FromSeconds(seconds * steps * configuration[Parameters.Epochs]));
    }

    /// <exception cref="TrainerException">libtorch is missing, or there are not enough data.</exception>
    public ITrainingRun Start(Cohort cohort)
    {
        TorchRuntime.EnsureLoaded();
        TorchRuntime.FlushDenormals();
        return new FusedRun(cohort, _datasets, _device, time);
    }
}
