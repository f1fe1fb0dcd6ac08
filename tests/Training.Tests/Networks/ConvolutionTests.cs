using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Fusion;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Networks;
using DeepTrain.Cluster.Training.Optimizers;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Tests;

/// <summary>The convolutional network against TorchSharp's own operators, and against itself alone.</summary>
/// <remarks>
/// The operators compute in float64, whatever the network does. Their float32 convolutions are a library's, which chooses another way on
/// each kind of processor: what it gets wrong there would seem to be wrong here.
/// </remarks>
public sealed class ConvolutionTests
{
    [Theory]
    [InlineData("relu", false, new[] { 8, 16 }, ScalarType.Float32, 2e-6)]
    [InlineData("tanh", true, new[] { 5, 7 }, ScalarType.Float32, 2e-6)]
    [InlineData("elu", false, new[] { 6 }, ScalarType.Float32, 2e-6)]
    [InlineData("relu", false, new[] { 8, 16 }, ScalarType.Float64, 1e-12)]
    [InlineData("tanh", true, new[] { 5, 7 }, ScalarType.Float64, 1e-12)]
    [InlineData("elu", false, new[] { 6 }, ScalarType.Float64, 1e-12)]
    public void Train_TenSteps_AgreesWithConvolutionsAndAutograd(
        string activation, bool batchNorm, int[] channels, ScalarType type, double tolerance)
    {
        var configuration = Small(activation, batchNorm, channels);
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        var digits = Dataset.Of("digits");
        var features = digits.Features.to(ScalarType.Float64);
        digits = new(digits.Info, digits.Features.to(type), digits.Labels);
        var replicate = Replicate.Prepare(configuration, [1], DatasetSources.Default).ByNumber[1];
        using var stage = new Stage(digits, [configuration, configuration], [replicate, replicate]);
        using (inference_mode())
            StartWeights.Fill(stage, [configuration.Trial(), configuration.Trial()], _ => throw new InvalidOperationException());
        var parameters = Plain(stage, batchNorm);
        var optimizer = optim.SGD(parameters.Values.Select(value => (TorchSharp.Modules.Parameter)value).ToArray(), 0.01);
        var rows = tensor(Enumerable.Range(0, 320).Select(row => (long)row).ToArray(), [10, 32]);

        for (var step = 0; step < 10; step++)
        {
            using var stepScope = NewDisposeScope();
            optimizer.zero_grad();
            nn.functional.cross_entropy(
                Predict(parameters, features.index_select(0, rows[step]).view(-1, 1, 8, 8), activation, batchNorm, channels.Length),
                digits.LabelTensor.index_select(0, rows[step])).backward();
            optimizer.step();
        }
        using (inference_mode())
        {
            var batch = new Batch(digits, 2, 1, 32);
            var update = new Optimizer(stage.Network.Learned, [configuration, configuration], 10);
            var total = zeros(2, ScalarType.Float64);
            update.BeginEpoch(1);
            for (var step = 0; step < 10; step++)
            {
                batch.Fill(rows, step);
                stage.Network.Train(batch, step, total);
                update.Step(step);
            }
        }

        foreach (var (name, expected) in parameters.Where(parameter => !(batchNorm && parameter.Key.EndsWith("bias", StringComparison.Ordinal))))
        {
            var learned = stage.Network.Learned.Single(learned => learned.Name == name).Value[1];
            var shape = expected.shape.Length == 1 ? [expected.shape[0], 1] : new[] { expected.shape[0], expected.numel() / expected.shape[0] };
            var actual = learned.narrow(0, 0, shape[0]).narrow(1, 0, shape[1]);
            var difference = ((actual - expected.view(shape)).norm() / expected.norm()).item<double>();
            Assert.True(difference < tolerance, $"{name}: {difference} of its norm away.");
        }
    }

    [Fact]
    public void TrainEpoch_InMixedCohort_GivesTheBitsOfSolo()
    {
        ImmutableArray<CohortTrial> trials =
        [
            .. from activation in new[] { "relu", "elu", "gelu", "logistic" }
               from batchNorm in new[] { false, true }
               from dropout in new[] { 0, 0.2 }
               select Trials.Configuration(
                   (Parameters.Architecture, "convolution"), (Parameters.Channels, new[] { 5, 6 }), (Parameters.Hidden, new[] { 20 }),
                   (Parameters.Activation, activation), (Parameters.BatchNorm, batchNorm), (Parameters.Dropout, dropout)).Trial(),
        ];
        var together = trials.Cohort().Train();
        Assert.All(trials, trial => Assert.Equal(new[] { trial }.Cohort().Train()[trial.Id].Bits(), together[trial.Id].Bits()));
        var other = trials[0] with { Id = trials[0].Id with { Replicate = 2 } };
        var twoReplicates = trials.Add(other).Cohort().Train();
        Assert.Equal(together[trials[3].Id].Bits(), twoReplicates[trials[3].Id].Bits());
        Assert.Equal(new[] { other }.Cohort().Train()[other.Id].Bits(), twoReplicates[other.Id].Bits());
    }

    [Fact]
    public void Train_Digits_LearnsThem()
    {
        var convolution = Trials.Configuration(
            (Parameters.Architecture, "convolution"), (Parameters.Hidden, new[] { 32 }), (Parameters.Epochs, 8),
            (Parameters.BatchNorm, true), (Parameters.LearningRate, 0.02)).Trial();
        Assert.InRange(new[] { convolution }.Cohort().Train()[convolution.Id].Last().ValidationAccuracy, 0.97, 1);
    }

    private static Configuration Small(string activation, bool batchNorm, int[] channels) => Trials.Configuration(
        (Parameters.Architecture, "convolution"), (Parameters.Channels, channels), (Parameters.Hidden, new[] { 20 }),
        (Parameters.Activation, activation), (Parameters.BatchNorm, batchNorm), (Parameters.Initializer, "lecun-normal"),
        (Parameters.LearningRate, 0.01), (Parameters.Momentum, 0.0));

    private static Dictionary<string, Tensor> Plain(Stage stage, bool batchNorm)
    {
        var parameters = new Dictionary<string, Tensor>();
        foreach (var (shape, weight) in stage.Network.Shapes.Zip(stage.Network.Weights))
        {
            var start = weight.Value[1].narrow(0, 0, shape.Units).narrow(1, 0, shape.Inputs).to(ScalarType.Float64).clone();
            parameters[$"{shape.Number}.weight"] = Parameter(shape.Image is null ? start : start.view(shape.Units, -1, 3, 3));
            parameters[$"{shape.Number}.bias"] = Parameter(zeros(shape.Units, ScalarType.Float64));
            if (batchNorm && !shape.IsOutput)
            {
                parameters[$"{shape.Number}.scale"] = Parameter(ones(shape.Units, ScalarType.Float64));
                parameters[$"{shape.Number}.shift"] = Parameter(zeros(shape.Units, ScalarType.Float64));
            }
        }
        return parameters;

        static Tensor Parameter(Tensor value) => new TorchSharp.Modules.Parameter(value);
    }

    private static Tensor Predict(Dictionary<string, Tensor> parameters, Tensor x, string activation, bool batchNorm, int blocks)
    {
        for (var layer = 1; layer <= blocks + 1; layer++)
        {
            if (layer <= blocks)
                x = nn.functional.conv2d(x, parameters[$"{layer}.weight"], parameters[$"{layer}.bias"], padding: [1, 1]);
            else
                x = nn.functional.linear(x.flatten(1), parameters[$"{layer}.weight"], parameters[$"{layer}.bias"]);
            if (batchNorm)
                x = nn.functional.batch_norm(x, zeros(x.shape[1], x.dtype), ones(x.shape[1], x.dtype), parameters[$"{layer}.scale"], parameters[$"{layer}.shift"], training: true);
            x = activation switch { "relu" => x.relu(), "tanh" => x.tanh(), _ => nn.functional.elu(x, 1) };
            if (layer <= blocks)
                x = nn.functional.max_pool2d(x, 2);
        }
        return nn.functional.linear(x, parameters[$"{blocks + 2}.weight"], parameters[$"{blocks + 2}.bias"]);
    }
}
