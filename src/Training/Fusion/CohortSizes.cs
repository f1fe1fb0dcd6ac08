using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Training;

/// <summary>How many trials are worth training together on a CPU, from docs/performance.md: the time of a trial-step by cohort.</summary>
/// <remarks>
/// 64-64-32-10, batch 32 (6.6 k numbers): alone 6.2 times the time of 15 together, and no gain beyond. Batch 64: 784-20x100-10 (271 k)
/// alone 1.3 times the time of 8 together, 784-300-100-10 (266 k) 1.4 times. More than these would only delay the first results.
/// </remarks>
internal static class CohortSizes
{
    private const int Most = 30;

    /// <summary>Weights and biases of a whole cohort.</summary>
    private const int Numbers = 2_200_000;

    public static int Of(Configuration configuration)
    {
        var dataset = Datasets.All.First(info => info.Name == configuration[Parameters.Dataset]);
        int[] sizes = [dataset.Features, .. configuration[Parameters.Hidden], dataset.Classes];
        var own = sizes.Zip(sizes.Skip(1), (fanIn, fanOut) => (fanIn + 1L) * fanOut).Sum();
        return (int)Math.Clamp(Numbers / own, 1, Most);
    }
}
