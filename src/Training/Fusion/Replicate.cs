using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Randomness;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Fusion;

/// <summary>What the trials of one replicate share: their random numbers and which rows are for what.</summary>
/// <param name="FirstRow">Where the rows that <paramref name="Partition"/> numbers begin in the run's data.</param>
internal sealed record Replicate(BaseDraws Draws, Partition Partition, int FirstRow)
{
    /// <summary>The data of a run over some replicates, to be disposed by it, and the replicates.</summary>
    /// <param name="device">Where the run is; null: on the processor.</param>
    /// <exception cref="TrainerException">The data cannot be had, or do not suffice.</exception>
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
