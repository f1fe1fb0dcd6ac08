using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Randomness;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Fusion;

/// <summary>The random numbers and the partition of the rows that the trials of one replicate share.</summary>
/// <param name="FirstRow">The first row of the run's data to which <paramref name="Partition"/> refers.</param>
internal sealed record Replicate(BaseDraws Draws, Partition Partition, int FirstRow)
{
    /// <summary>The data of a run over some replicates, which the run must dispose, and the replicates.</summary>
    /// <param name="device">The device of the run; null: the processor.</param>
    /// <exception cref="TrainerException">The data are not available, or there are not enough.</exception>
    public static (Dataset Data, ImmutableDictionary<int, Replicate> ByNumber) Prepare(
        Configuration configuration, IEnumerable<int> numbers, DatasetSources sources, Device? device = null)
    {
        var all = Dataset.Of(configuration, sources, device);
        try
        {
            var partitions = numbers.Distinct().Select(number => (Number: number, Partition: Partition.Of(all, configuration, number))).ToList();
            var data = all.For(partitions.ConvertAll(partition => partition.Partition));
            return (data, partitions.Index().ToImmutableDictionary(
                partition => partition.Item.Number,
                partition => new Replicate(new(partition.Item.Number), partition.Item.Partition, data.FirstRowOf(partition.Index))));
        }
        catch
        {
            all.Dispose();
            throw;
        }
    }
}
