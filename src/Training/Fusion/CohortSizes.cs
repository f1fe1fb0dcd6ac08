using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Training;

/// <summary>How many trials are worth training together on a CPU.</summary>
internal static class CohortSizes
{
    private const int Most = 60;
    private const int Numbers = 500_000;

    public static int Of(Configuration configuration)
    {
        var dataset = Datasets.All.First(info => info.Name == configuration[Parameters.Dataset]);
        int[] sizes = [dataset.Features, .. configuration[Parameters.Hidden], dataset.Classes];
        var weights = sizes.Zip(sizes.Skip(1), (fanIn, fanOut) => (fanIn + 1L) * fanOut).Sum();
        return (int)Math.Clamp(Numbers / weights, 1, Most);
    }
}
