using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;

namespace DeepTrain.Cluster.Training.Data;

/// <summary>The numbers of rows of one class for training, validation and test. They are the same in all replicates.</summary>
internal readonly record struct Share(int Train, int Validation, int Test)
{
    /// <param name="rows">The number of rows of the class, without an official test.</param>
    public static Share Of(int rows, Configuration configuration, bool hasOfficialTest)
    {
        var test = hasOfficialTest ? 0 : Part(rows, configuration[Parameters.TestFraction]);
        var validation = Math.Min(Part(rows, configuration[Parameters.ValidationFraction]), rows - test);
        var left = rows - test - validation;
        // A class with training rows keeps at least one, however small the fraction.
        var train = Math.Max(Math.Min(left, 1), Part(left, configuration[Parameters.TrainFraction]));
        return new(train, validation, test);
    }

    private static int Part(int rows, double fraction) => (int)Math.Round(rows * fraction, MidpointRounding.AwayFromZero);
}

/// <summary>A part of a split for which there are too few rows.</summary>
/// <param name="Key">The setting that requires too much.</param>
internal sealed record Shortage(Parameter Key, string Message, bool IsWarning)
{
    /// <summary>The number of rows of each class, without an official test.</summary>
    public static int[] CountsOf(ImmutableArray<int> labels, DatasetInfo info)
    {
        var counts = new int[info.Classes];
        foreach (var label in labels.AsSpan()[..^info.TestRows])
            counts[label]++;
        return counts;
    }

    /// <param name="counts">The result of <see cref="CountsOf"/>.</param>
    public static IEnumerable<Shortage> Of(int[] counts, DatasetInfo info, Configuration configuration)
    {
        var shares = counts.Select(rows => Share.Of(rows, configuration, info.TestRows > 0)).ToList();
        var (rows, train, batch) = (counts.Sum(), shares.Sum(share => share.Train), configuration[Parameters.BatchSize]);
        var (noTrain, noValidation, noTest) = (shares.Count(share => share.Train == 0), shares.Count(share => share.Validation == 0), shares.Count(share => share.Test == 0));
        if (noTrain > 0)
            yield return new(Parameters.ValidationFraction, $"{noTrain} of {shares.Count} classes have no row left for training; make validationFraction or testFraction smaller, or give those classes more rows", false);
        if (noValidation == shares.Count)
            yield return new(Parameters.ValidationFraction, $"no row of {rows:N0} is left for validation; make validationFraction larger", false);
        else if (noValidation > 0)
            yield return new(Parameters.ValidationFraction, $"{noValidation} of {shares.Count} classes have no row in validation; it cannot tell how well they are learned", true);
        if (info.TestRows == 0 && noTest == shares.Count)
            yield return new(Parameters.TestFraction, $"no row of {rows:N0} is left for the test; make testFraction larger", false);
        else if (info.TestRows == 0 && noTest > 0)
            yield return new(Parameters.TestFraction, $"{noTest} of {shares.Count} classes have no row in the test", true);
        if (train < batch)
            yield return new(Parameters.BatchSize, $"{batch} rows, but only {train} of {rows:N0} are left for training; expected at most as many: make batchSize, validationFraction or testFraction smaller, or trainFraction larger", false);
    }
}
