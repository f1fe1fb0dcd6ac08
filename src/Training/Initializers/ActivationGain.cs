using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Training.Activations;
using DeepTrain.Cluster.Training.Networks;
using MathNet.Numerics.Distributions;

namespace DeepTrain.Cluster.Training.Initializers;

/// <summary>The factor for the standard deviation of a layer's weights that suits the activation after the layer.</summary>
internal static class ActivationGain
{
    /// <summary>The expectation of (exp(z) - 1)^2 over z below 0.</summary>
    private static readonly double EluBelowZero =
        Math.Exp(2) * Normal.CDF(0, 1, -2) - 2 * Math.Exp(0.5) * Normal.CDF(0, 1, -1) + 0.5;

    /// <summary>The gain according to <see cref="Parameters.Gain"/>; 1 at the output.</summary>
    public static double Of(LayerShape layer, Configuration configuration) =>
        layer.IsOutput ? 1
        : configuration[Parameters.Gain] switch
        {
            "activation" => Calculated(configuration),
            "textbook" => Textbook(configuration[Parameters.Activation]),
            _ => 1,
        };

    /// <summary>
    /// The gain of PyTorch's calculate_gain where it has the activation, but 1 for SELU, as it requires (Klambauer et al. 2017); otherwise
    /// 1 / sqrt(E f(z)^2) for a standard normal z, which keeps the second moment from layer to layer (He et al. 2015, eq. 9).
    /// </summary>
    public static double Calculated(Configuration configuration) => configuration[Parameters.Activation] switch
    {
        "logistic" or "identity" or "selu" => 1,
        "tanh" => 5.0 / 3,
        "relu" => Rectifier(0),
        "leaky-relu" => Rectifier(Square(configuration[Parameters.LeakAlpha])),
        "prelu" => Rectifier(Square(configuration[Parameters.PreluAlpha])),
        "rrelu" => Rectifier((Square(RRelu.Lower) + RRelu.Lower * RRelu.Upper + Square(RRelu.Upper)) / 3),
        "elu" => 1 / Math.Sqrt(0.5 + Square(configuration[Parameters.EluAlpha]) * EluBelowZero),
        "gelu" => 1 / Math.Sqrt(1.0 / 3 + 1 / (2 * Math.PI * Math.Sqrt(3))),
        // These have no closed form.
        "silu" => 1.6765324703310912,
        "mish" => 1.4868475812732081,
        "softplus" => 1.0418668355353017,
        var other => throw new ArgumentException(
            $"'{other}' has no gain: expected an activation of the parameters' table.", nameof(configuration)),
    };

    /// <summary>
    /// The factors of Géron 2017, table 11-1: logistic 1, tanh 4, ReLU and its variants sqrt 2; identity, missing there, 1. Glorot and
    /// Bengio 2010 have no factor for tanh (eq. 16); a factor of 4 is known for the logistic function, whose slope at 0 is a quarter
    /// of tanh's.
    /// </summary>
    public static double Textbook(string activation) => activation switch
    {
        "logistic" or "identity" => 1,
        "tanh" => 4,
        _ => Math.Sqrt(2),
    };

    /// <summary>He et al. 2015, eq. 15; exact for any slope below 0 with this mean square.</summary>
    private static double Rectifier(double meanSquareSlope) => Math.Sqrt(2 / (1 + meanSquareSlope));

    private static double Square(double value) => value * value;
}
