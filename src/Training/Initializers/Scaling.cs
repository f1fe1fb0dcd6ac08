using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Training.Networks;

namespace DeepTrain.Cluster.Training.Initializers;

/// <summary>A variance that depends on a layer's connections: base x gain^2 / fan.</summary>
/// <param name="Base">The default of the initializer. An explicit gain, squared, replaces it.</param>
/// <param name="Fan">The number of connections that the initializer uses.</param>
internal sealed record Scaling(double Base, Func<LayerShape, double> Fan)
{
    /// <summary>Glorot and Bengio 2010, eq. 12 (and 16, uniform).</summary>
    public static readonly Scaling Xavier = new(1, Average);

    /// <summary>He et al. 2015, eq. 10. The 2 is the square of ReLU's gain.</summary>
    public static readonly Scaling He = new(2, In);

    /// <summary>LeCun et al. 1998, eq. 16.</summary>
    public static readonly Scaling LeCun = new(1, In);

    /// <summary>The standard deviation of a layer's weights.</summary>
    public double Deviation(LayerShape layer, Configuration configuration)
    {
        var (@base, fan) = configuration[Parameters.Gain] switch
        {
            "none" => (Base, Counted(layer, configuration)),
            "textbook" => (1, Average(layer)),
            _ => (1, Counted(layer, configuration)),
        };
        return ActivationGain.Of(layer, configuration) * Math.Sqrt(@base / fan);
    }

    private double Counted(LayerShape layer, Configuration configuration) => configuration[Parameters.Fan] switch
    {
        "in" => In(layer),
        "out" => layer.FanOut,
        "average" => Average(layer),
        _ => Fan(layer),
    };

    private static double In(LayerShape layer) => layer.Inputs;

    private static double Average(LayerShape layer) => (layer.Inputs + layer.FanOut) / 2.0;
}
