using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Training;

/// <summary>Which rows of a data set are trained on, validated on and tested on.</summary>
internal sealed record Partition(ImmutableArray<int> Train, ImmutableArray<int> Validation, ImmutableArray<int> Test)
{
    /// <summary>The replicate whose split all replicates share when it is fixed; replicates are counted from 1.</summary>
    private const int FixedReplicate = 0;

    /// <summary>Parts each class alike: a random order of its rows, test first, then validation, then training.</summary>
    public static Partition Of(ImmutableArray<int> labels, Configuration configuration, int replicate)
    {
        var draws = new BaseDraws(configuration[Parameters.Split] == "fixed" ? FixedReplicate : replicate);
        var (train, validation, test) = (new List<int>(), new List<int>(), new List<int>());
        foreach (var rows in Enumerable.Range(0, labels.Length).GroupBy(row => labels[row]).OrderBy(rows => rows.Key))
        {
            var order = draws.Shuffle([.. rows], Purpose.Split, round: 0);
            var tests = Part(order.Length, configuration[Parameters.TestFraction]);
            var validations = Part(order.Length, configuration[Parameters.ValidationFraction]);
            test.AddRange(order[..tests]);
            validation.AddRange(order[tests..Math.Min(tests + validations, order.Length)]);
            train.AddRange(order[Math.Min(tests + validations, order.Length)..]);
        }

        var batch = configuration[Parameters.BatchSize];
        if (train.Count < batch)
            throw new TrainingException(TrainingException.BadData,
                $"batchSize: {batch} rows, but only {train.Count} of {labels.Length} are left for training; "
                + "expected at most as many: make batchSize, validationFraction or testFraction smaller.");
        if (validation.Count == 0 || test.Count == 0)
            throw new TrainingException(TrainingException.BadData,
                $"{(test.Count == 0 ? "testFraction" : "validationFraction")}: no row of {labels.Length} is left for it; make it larger.");
        return new([.. train.Order()], [.. validation.Order()], [.. test.Order()]);
    }

    private static int Part(int rows, double fraction) => (int)Math.Round(rows * fraction, MidpointRounding.AwayFromZero);
}
