using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Training;

/// <summary>How many trials are worth training together on a CPU.</summary>
/// <remarks>
/// Measured, see docs/performance.md: 64-64-32-10 (6.6 k numbers) gains until 15 alike trials are together, and mixed cohorts, where
/// each activation is a call of its own, until about 60; 784-20x100-10 (271 k) and 784-300-100-10 (266 k) have most of their gain at 8.
/// More would only delay the first results.
/// </remarks>
internal static class CohortSizes
{
    private const int Most = 60;

    /// <summary>Weights and biases of a whole cohort.</summary>
    private const int Numbers = 2_200_000;

    public static int Of(Configuration configuration, DatasetSources sources)
    {
        if (InfoOf(configuration, sources) is not { } dataset)
            return 1;
        int[] sizes = [dataset.Features, .. configuration[Parameters.Hidden], dataset.Classes];
        var own = sizes.Zip(sizes.Skip(1), (fanIn, fanOut) => (fanIn + 1L) * fanOut).Sum();
        return (int)Math.Clamp(Numbers / own, 1, Most);
    }

    /// <summary>Null: the data cannot be had, which is for the trial to say.</summary>
    private static DatasetInfo? InfoOf(Configuration configuration, DatasetSources sources)
    {
        if (Datasets.All.FirstOrDefault(info => info.Name == configuration[Parameters.Dataset]) is { } known)
            return known;
        try
        {
            TorchRuntime.EnsureLoaded();
            return Dataset.Of(configuration, sources).Info;
        }
        catch (TrainingException)
        {
            return null;
        }
    }
}
