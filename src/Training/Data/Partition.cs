using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Randomness;

namespace DeepTrain.Cluster.Training.Data;

/// <summary>The rows of a data set for training, validation and test.</summary>
internal sealed record Partition(ImmutableArray<int> Train, ImmutableArray<int> Validation, ImmutableArray<int> Test)
{
    /// <summary>The replicate number that determines a fixed split, which all replicates share. Replicates are counted from 1.</summary>
    private const int FixedReplicate = 0;

    /// <summary>
    /// Splits each class in the same proportions, in a random order: first the test rows, then validation, then training. If only a
    /// fraction of the training rows is wanted, it takes the first ones. The official test of a data set is not changed.
    /// </summary>
    /// <exception cref="TrainerException">There are too few rows.</exception>
    public static Partition Of(Dataset data, Configuration configuration, int replicate) =>
        Of(data.Info, data.Labels, configuration, replicate);

    /// <param name="labels">The class of each row.</param>
    /// <exception cref="TrainerException">There are too few rows.</exception>
    public static Partition Of(DatasetInfo info, ImmutableArray<int> labels, Configuration configuration, int replicate)
    {
        if (Shortage.Of(Shortage.CountsOf(labels, info), info, configuration).FirstOrDefault(shortage => !shortage.IsWarning) is { } shortage)
            throw new TrainerException(FailureClass.BadData, $"{shortage.Key.Name}: {shortage.Message}.");

        var draws = new BaseDraws(configuration[Parameters.Split] == "fixed" ? FixedReplicate : replicate);
        var (train, validation, test) = (new List<int>(), new List<int>(), new List<int>());
        var parted = labels.Length - info.TestRows;
        foreach (var rows in Enumerable.Range(0, parted).GroupBy(row => labels[row]).OrderBy(rows => rows.Key))
        {
            var order = draws.Shuffle([.. rows], Purpose.Split, round: 0);
            var share = Share.Of(order.Length, configuration, info.TestRows > 0);
            test.AddRange(order[..share.Test]);
            validation.AddRange(order[share.Test..(share.Test + share.Validation)]);
            train.AddRange(order[(share.Test + share.Validation)..][..share.Train]);
        }
        test.AddRange(Enumerable.Range(parted, info.TestRows));
        return new([.. train.Order()], [.. validation.Order()], [.. test.Order()]);
    }
}
