using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Training;

/// <summary>A distribution that weights start from; its mean is 0.</summary>
/// <param name="Uniform">Uniform over (-sqrt 3 s, sqrt 3 s), or normal; s being the standard deviation.</param>
/// <param name="Deviation">The standard deviation by fan-in and fan-out.</param>
internal sealed record Initializer(bool Uniform, Func<int, int, Configuration, double> Deviation)
{
    /// <summary>
    /// Xavier: Glorot and Bengio 2010, eq. 12 and 16. He: He et al. 2015, eq. 10. LeCun: LeCun et al. 1998, eq. 16.
    /// A name fixes the variance, whatever the activation.
    /// </summary>
    public static ImmutableDictionary<string, Initializer> ByName { get; } = new Dictionary<string, Initializer>
    {
        ["xavier-uniform"] = new(true, Xavier),
        ["xavier-normal"] = new(false, Xavier),
        ["he-uniform"] = new(true, He),
        ["he-normal"] = new(false, He),
        ["lecun-uniform"] = new(true, LeCun),
        ["lecun-normal"] = new(false, LeCun),
        ["normal"] = new(false, (_, _, configuration) => configuration[Parameters.InitializerStd]),
    }.ToImmutableDictionary();

    /// <summary>Start weights of a layer, [fanOut, fanIn] row by row, from the replicate's base draws.</summary>
    public double[] Weights(BaseDraws draws, int layer, int fanOut, int fanIn, Configuration configuration)
    {
        var deviation = Deviation(fanIn, fanOut, configuration);
        return Uniform
            ? Array.ConvertAll(draws.Units(layer, fanOut, fanIn), unit => Math.Sqrt(3) * deviation * (2 * unit - 1))
            : Array.ConvertAll(draws.Normals(layer, fanOut, fanIn), normal => deviation * normal);
    }

    private static double Xavier(int fanIn, int fanOut, Configuration _) => Math.Sqrt(2.0 / (fanIn + fanOut));

    private static double He(int fanIn, int fanOut, Configuration _) => Math.Sqrt(2.0 / fanIn);

    private static double LeCun(int fanIn, int fanOut, Configuration _) => Math.Sqrt(1.0 / fanIn);
}
