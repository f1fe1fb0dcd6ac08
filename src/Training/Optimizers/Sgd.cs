using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training;

/// <summary>Stochastic gradient descent with momentum, v = mu v + g, w = w - rate v; each trial with its own rate and mu.</summary>
internal sealed class Sgd
{
    private readonly Tensor[] _values;
    private readonly Tensor[] _gradients;
    private readonly Tensor[] _velocities;
    private readonly Tensor[] _rates;
    private readonly Tensor[] _momenta;

    public Sgd(ImmutableArray<Learned> learned, ImmutableArray<Configuration> configurations)
    {
        var rate = Coefficients(configuration => -configuration[Parameters.LearningRate]);
        var momentum = Coefficients(configuration => configuration[Parameters.Momentum]);
        _values = [.. learned.Select(tensor => tensor.Value)];
        _gradients = [.. learned.Select(tensor => tensor.Gradient)];
        _velocities = [.. learned.Select(tensor => tensor.Velocity)];
        _rates = [.. learned.Select(tensor => tensor.Trials.Of(rate))];
        _momenta = [.. learned.Select(tensor => tensor.Trials.Of(momentum))];

        Tensor Coefficients(Func<Configuration, double> of) => // [K, 1, 1]
            tensor(Array.ConvertAll([.. configurations], configuration => (float)of(configuration)), [configurations.Length, 1, 1]);
    }

    public void Step() => Kernels.Run("sgd", _values, _gradients, _velocities, _rates, _momenta);
}
