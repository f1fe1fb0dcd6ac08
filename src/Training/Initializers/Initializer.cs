using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Training.Networks;
using DeepTrain.Cluster.Training.Randomness;
using MathNet.Numerics.Distributions;

namespace DeepTrain.Cluster.Training.Initializers;

/// <summary>Generates initial weights.</summary>
/// <param name="Weights">The initial weights of a layer, [units, inputs] row by row, from the replicate's base draws.</param>
internal sealed record Initializer(Func<BaseDraws, LayerShape, Configuration, double[]> Weights)
{
    /// <summary>The truncation point of a truncated normal distribution, in standard deviations of the full one.</summary>
    private const double Cut = 2;

    private static readonly double BelowCut = Normal.CDF(0, 1, -Cut);

    /// <summary>The standard deviation of the truncated standard normal distribution: 0.8796.</summary>
    private static readonly double DeviationWithinCut = Math.Sqrt(1 - 2 * Cut * Normal.PDF(0, 1, Cut) / (1 - 2 * BelowCut));

    /// <summary>
    /// The table of initializers by their names in sweep files. Formulas and sources of the scaled ones are at <see cref="Scaling"/>.
    /// Orthogonal: Saxe et al. 2014, times the gain, semi-orthogonal where a layer is not square. LSUV: Mishkin and Matas 2016; this is
    /// its first step, and <see cref="Lsuv"/> does the rest.
    /// </summary>
    public static ImmutableDictionary<string, Initializer> ByName { get; } = new Dictionary<string, Initializer>
    {
        ["zeros"] = new((_, layer, _) => new double[layer.Units * layer.Inputs]),
        ["constant"] = new((_, layer, configuration) =>
            [.. Enumerable.Repeat(configuration[Parameters.InitializerConstant], layer.Units * layer.Inputs)]),
        ["normal"] = new((draws, layer, configuration) => Normals(draws, layer, configuration[Parameters.InitializerStd])),
        ["truncated-normal"] = new((draws, layer, configuration) =>
            TruncatedNormals(draws, layer, configuration[Parameters.InitializerStd])),
        ["uniform"] = new((draws, layer, configuration) => Uniforms(draws, layer, configuration[Parameters.InitializerLimit])),
        ["xavier-uniform"] = Uniform(Scaling.Xavier),
        ["xavier-normal"] = Gaussian(Scaling.Xavier),
        ["he-uniform"] = Uniform(Scaling.He),
        ["he-normal"] = Gaussian(Scaling.He),
        ["lecun-uniform"] = Uniform(Scaling.LeCun),
        ["lecun-normal"] = Gaussian(Scaling.LeCun),
        ["orthogonal"] = new((draws, layer, configuration) =>
        {
            var gain = ActivationGain.Of(layer, configuration);
            return Array.ConvertAll(Orthogonals(draws, layer), weight => gain * weight);
        }),
        ["lsuv"] = new((draws, layer, _) => [.. Orthogonals(draws, layer)]),
    }.ToImmutableDictionary();

    private static Initializer Uniform(Scaling scaling) => new((draws, layer, configuration) =>
        Uniforms(draws, layer, Math.Sqrt(3) * scaling.Deviation(layer, configuration)));

    private static Initializer Gaussian(Scaling scaling) => new((draws, layer, configuration) =>
        Normals(draws, layer, scaling.Deviation(layer, configuration)));

    private static double[] Uniforms(BaseDraws draws, LayerShape layer, double limit) =>
        Array.ConvertAll(draws.Units(layer.Number, layer.Units, layer.Inputs), unit => limit * (2 * unit - 1));

    private static double[] Normals(BaseDraws draws, LayerShape layer, double deviation) =>
        Array.ConvertAll(draws.Normals(layer.Number, layer.Units, layer.Inputs), normal => deviation * normal);

    private static double[] TruncatedNormals(BaseDraws draws, LayerShape layer, double deviation) =>
        Array.ConvertAll(draws.Units(layer.Number, layer.Units, layer.Inputs),
            unit => deviation / DeviationWithinCut * Normal.InvCDF(0, 1, BelowCut + (1 - 2 * BelowCut) * unit));

    private static double[] Orthogonals(BaseDraws draws, LayerShape layer) =>
        draws.Orthogonals(layer.Number, layer.Units, layer.Inputs);
}
