using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Training.Activations;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Stacking;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Networks;

/// <summary>Drops units in training and scales up the others. Each trial has its own probability. Srivastava et al. 2014.</summary>
/// <remarks>
/// After SELU it is alpha dropout, which keeps mean and variance: dropped units take SELU's negative limit, then all units y become
/// a y + b. Klambauer et al. 2017, section 3.
/// </remarks>
internal sealed class Dropout
{
    private readonly Tensor _draws; // [n, H, columns], uniform in [0, 1)
    private readonly Tensor _probability; // [n, 1, 1]
    private readonly Tensor _scale; // [n, 1, 1]: of those kept
    private readonly Tensor? _shift; // [n, 1, 1]: of those kept
    private readonly Tensor? _dropped; // [n, 1, 1]: what the others become
    private readonly Tensor _factors; // [n, H, columns]: what each was multiplied by

    public Dropout(ImmutableArray<Configuration> trials, Tensor draws)
    {
        var on = Placement.Of(draws);
        _draws = draws;
        _probability = Coefficients(configuration => configuration[Parameters.Dropout]);
        if (trials[0][Parameters.Activation] == "selu")
        {
            _scale = Coefficients(Slope);
            _shift = Coefficients(configuration => Shift(configuration));
            _dropped = Coefficients(configuration => Slope(configuration) * Selu.Limit + Shift(configuration));
        }
        else
        {
            _scale = Coefficients(configuration => 1 / (1 - configuration[Parameters.Dropout]));
        }
        _factors = on.Zeros(trials.Length, draws.shape[1], draws.shape[2]);

        Tensor Coefficients(Func<Configuration, double> of) =>
            on.Column(Array.ConvertAll([.. trials], configuration => of(configuration)));

        static double Slope(Configuration configuration)
        {
            var p = configuration[Parameters.Dropout];
            return 1 / Math.Sqrt((1 - p) * (1 + p * Selu.Limit * Selu.Limit));
        }

        static double Shift(Configuration configuration) => -Slope(configuration) * configuration[Parameters.Dropout] * Selu.Limit;
    }

    public void Forward(Tensor y)
    {
        if (_shift is null)
            Kernels.Run("dropout", y, _draws, _probability, _scale, _factors);
        else
            Kernels.Run("alpha_dropout", y, _draws, _probability, _scale, _shift, _dropped!, _factors);
    }

    public void Backward(Tensor gradient) => gradient.mul_(_factors);
}
