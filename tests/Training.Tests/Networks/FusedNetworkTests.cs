using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Initializers;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Networks;
using DeepTrain.Cluster.Training.Optimizers;
using DeepTrain.Cluster.Training.Randomness;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Tests;

/// <summary>Against a plain network of TorchSharp's modules, trained by autograd and its optimizer, in float32 as ours.</summary>
public sealed class FusedNetworkTests
{
    private const int Steps = 50;
    private const int Rows = 32;

    public static TheoryData<string, bool> Kinds =>
        [.. Trials.Activations.Where(name => name != "rrelu").SelectMany(name => new[] { false, true }.Select(batchNorm => new TheoryDataRow<string, bool>(name, batchNorm)))];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Train_FiftySteps_AgreesWithModulesAndAutograd(string activation, bool batchNorm)
    {
        var configuration = Trials.Configuration(
            (Parameters.Activation, activation), (Parameters.BatchNorm, batchNorm), (Parameters.LearningRate, 0.01),
            (Parameters.LeakAlpha, 0.1), (Parameters.EluAlpha, 1.3), (Parameters.Initializer, "lecun-normal"));
        // Two neighbours: the second trial is the one compared.
        ImmutableArray<Configuration> cohort = [configuration, configuration, configuration];
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        var digits = Dataset.Of("digits");
        using var network = new FusedNetwork(cohort, digits.Info, [new(1)], 32);
        var draws = new BaseDraws(1);
        foreach (var (shape, weight) in network.Shapes.Zip(network.Weights))
        {
            var weights = Initializer.ByName["lecun-normal"].Weights(draws, shape, configuration);
            weight.Value.copy_(tensor(Array.ConvertAll(weights, weight => (float)weight), [1, shape.Units, shape.Inputs]));
        }

        using var plain = Plain(configuration, network);
        using var optimizer = optim.SGD(plain.parameters(), 0.01, momentum: 0.9);
        using var loss = nn.CrossEntropyLoss();
        var total = zeros(3, ScalarType.Float64);
        var plainTotal = 0.0;
        var rows = arange(Steps * Rows, ScalarType.Int64).remainder(1_797).view(Steps, Rows);
        using (inference_mode())
        {
            var batch = new Batch(digits, 3, 1, Rows);
            var update = new Optimizer(network.Learned, cohort, Steps);
            update.BeginEpoch(1);
            for (var step = 0; step < Steps; step++)
            {
                batch.Fill(rows, step);
                network.Train(batch, step, total);
                update.Step(step);
            }
        }
        for (var step = 0; step < Steps; step++)
        {
            using var stepScope = NewDisposeScope();
            optimizer.zero_grad();
            var output = loss.call(plain.call(digits.Features.index_select(0, rows[step])), digits.LabelTensor.index_select(0, rows[step]));
            output.backward();
            optimizer.step();
            plainTotal += output.item<float>();
        }

        Assert.InRange(total[1].item<double>() / Rows, plainTotal * (1 - 1e-6), plainTotal * (1 + 1e-6));
        foreach (var (name, expected) in Named(plain))
        {
            var actual = network.Learned.Single(learned => learned.Name == name).Value[1].reshape(expected.shape);
            // Batch norm takes any bias away again, and so it does a linear layer's shift below: their gradients are rounding and their
            // values noise, small beside the layer's weights.
            var noise = batchNorm && (name is "1.bias" or "2.bias" || (activation == "identity" && name == "1.shift"));
            var norm = noise ? network.Weights.ElementAt(name[0] - '1').Value[1].norm() : expected.norm();
            var difference = ((actual - expected).norm() / norm).item<float>();
            Assert.True(difference < 1e-6, $"{name}: {difference} of its norm away.");
        }
    }

    private static nn.Module<Tensor, Tensor> Plain(Configuration configuration, FusedNetwork network)
    {
        var modules = new List<(string, nn.Module<Tensor, Tensor>)>();
        for (var layer = 1; layer <= 3; layer++)
        {
            var start = network.Weights.ElementAt(layer - 1).Value[1];
            var linear = nn.Linear(start.shape[1], start.shape[0]);
            using (no_grad())
            {
                linear.weight.copy_(start);
                linear.bias!.zero_();
            }
            modules.Add(($"{layer}.linear", linear));
            if (layer == 3)
                break;
            if (configuration[Parameters.BatchNorm])
                modules.Add(($"{layer}.norm", nn.BatchNorm1d(start.shape[0])));
            modules.Add(($"{layer}.activation", configuration[Parameters.Activation] switch
            {
                "logistic" => nn.Sigmoid(),
                "tanh" => nn.Tanh(),
                "relu" => nn.ReLU(),
                "leaky-relu" => nn.LeakyReLU(configuration[Parameters.LeakAlpha]),
                "prelu" => nn.PReLU(1, configuration[Parameters.PreluAlpha]),
                "elu" => nn.ELU(configuration[Parameters.EluAlpha]),
                "selu" => nn.SELU(),
                "gelu" => nn.GELU(),
                "silu" => nn.SiLU(),
                "mish" => nn.Mish(),
                "softplus" => nn.Softplus(),
                "identity" => nn.Identity(),
                var other => throw new ArgumentException($"{other} has no module here."),
            }));
        }
        return nn.Sequential(modules.Select(module => (module.Item1.Replace('.', '_'), module.Item2)));
    }

    /// <summary>The modules' parameters by our names.</summary>
    private static IEnumerable<(string Name, Tensor Value)> Named(nn.Module plain) =>
        from parameter in plain.named_parameters()
        let parts = parameter.name.Split('.', '_')
        let name = (parts[1], parts[2]) switch
        {
            ("linear", var part) => part,
            ("norm", "weight") => "scale",
            ("norm", _) => "shift",
            _ => "alpha",
        }
        select ($"{parts[0]}.{name}", (Tensor)parameter.parameter);
}
