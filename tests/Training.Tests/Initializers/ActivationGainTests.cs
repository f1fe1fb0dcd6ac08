using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Training.Initializers;
using MathNet.Numerics.Distributions;
using MathNet.Numerics.Integration;
using static System.Math;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class ActivationGainTests
{
    [Fact]
    public void Calculated_EveryActivation_AgreesWithPyTorchAndQuadrature() => Assert.All(Golden.Values.Gains, golden =>
        Assert.Equal(golden.Gain, ActivationGain.Calculated(golden.Configuration), 2e-14));

    [Theory]
    [InlineData("logistic", 1)]
    [InlineData("tanh", 1.6667)]
    [InlineData("relu", 1.4142)]
    [InlineData("leaky-relu", 1.4141)]
    [InlineData("prelu", 1.3720)]
    [InlineData("elu", 1.2452)]
    [InlineData("selu", 1)]
    [InlineData("gelu", 1.5335)]
    [InlineData("silu", 1.6765)]
    [InlineData("mish", 1.4868)]
    [InlineData("softplus", 1.0419)]
    [InlineData("identity", 1)]
    public void Calculated_Defaults_AreThePublishedConstants(string activation, double gain) =>
        Assert.Equal(gain, ActivationGain.Calculated(Trials.Configuration((Parameters.Activation, activation))), 5e-5);

    /// <summary>With it, a unit's second moment stays 1 where the pre-activation is standard normal.</summary>
    [Fact]
    public void Calculated_SecondMoment_IsKept()
    {
        Check(z => Max(0, z), (Parameters.Activation, "relu"));
        Check(z => z > 0 ? z : 0.2 * z, (Parameters.Activation, "leaky-relu"), (Parameters.LeakAlpha, 0.2));
        Check(z => z > 0 ? z : 0.4 * z, (Parameters.Activation, "prelu"), (Parameters.PreluAlpha, 0.4));
        Check(z => z > 0 ? z : 1.7 * (Exp(z) - 1), (Parameters.Activation, "elu"), (Parameters.EluAlpha, 1.7));
        Check(z => z * Normal.CDF(0, 1, z), (Parameters.Activation, "gelu"));
        Check(z => z / (1 + Exp(-z)), (Parameters.Activation, "silu"));
        Check(z => z * Tanh(Log(1 + Exp(z))), (Parameters.Activation, "mish"));
        Check(z => Log(1 + Exp(z)), (Parameters.Activation, "softplus"));
        Check(z => z, (Parameters.Activation, "identity"));
        // SELU: its own constants, Klambauer et al. 2017.
        Check(z => 1.0507009873554805 * (z > 0 ? z : 1.6732632423543772 * (Exp(z) - 1)), (Parameters.Activation, "selu"));

        static void Check(Func<double, double> f, params (Parameter, object)[] values)
        {
            var moment = Moment(f, -12, 0) + Moment(f, 0, 12);
            var gain = ActivationGain.Calculated(Trials.Configuration(values));
            Assert.Equal(1, gain * gain * moment, 1e-9);
        }

        static double Moment(Func<double, double> f, double from, double to) =>
            GaussLegendreRule.Integrate(z => f(z) * f(z) * Normal.PDF(0, 1, z), from, to, 128);
    }

    [Fact]
    public void Of_Textbook_HasTheBooksFactorsForEveryActivation() => Assert.All(Trials.Activations, activation => Assert.Equal(
        activation switch { "logistic" or "identity" => 1, "tanh" => 4, _ => Sqrt(2) },
        Of("textbook", activation, isOutput: false)));

    [Fact]
    public void Of_OutputLayerOrNoGain_IsOne() => Assert.All(Trials.Activations, activation =>
    {
        Assert.Equal(1, Of("textbook", activation, isOutput: true));
        Assert.Equal(1, Of("activation", activation, isOutput: true));
        Assert.Equal(1, Of("none", activation, isOutput: false));
    });

    private static double Of(string gain, string activation, bool isOutput) => ActivationGain.Of(
        new(1, 5, 7, 5, Spots: 1, Width: 5, Depth: 7, Image: null, Pooled: null) { IsOutput = isOutput },
        Trials.Configuration((Parameters.Gain, gain), (Parameters.Activation, activation)));
}
