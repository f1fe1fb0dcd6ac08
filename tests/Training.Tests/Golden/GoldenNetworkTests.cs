using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Training.Activations;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Networks;
using DeepTrain.Cluster.Training.Optimizers;
using DeepTrain.Cluster.Training.Stacking;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Tests;

/// <summary>Our networks against PyTorch's, step for step; each case as the second trial of three.</summary>
public sealed class GoldenNetworkTests(ITestOutputHelper output)
{
    private const int Trial = 1;
    private const int Classes = 3;

    public static TheoryData<string, ScalarType> Cases =>
        [.. from golden in Golden.Values.Cases
            from type in new[] { ScalarType.Float64, ScalarType.Float32 }
            select new TheoryDataRow<string, ScalarType>(golden.Name, type)];

    public static TheoryData<string, ScalarType> Functions =>
        [.. from function in Golden.Values.Functions
            from type in new[] { ScalarType.Float64, ScalarType.Float32 }
            select new TheoryDataRow<string, ScalarType>(function.Name, type)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Train_TenSteps_AgreesWithPyTorch(string name, ScalarType type) => CheckTraining(name, Placement.OnCpu(type), output);

    internal static void CheckTraining(string name, Placement on, ITestOutputHelper output)
    {
        var golden = Golden.Values.Cases.Single(golden => golden.Name == name);
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        var rows = golden.Configuration[Parameters.BatchSize];
        var data = Data(on);
        using var network = new FusedNetwork([.. Enumerable.Repeat(golden.Configuration, 3)], data.Info, [new(1)], rows, on);
        foreach (var state in network.State)
            Place(network, state).copy_(tensor(golden.Start[state.Name].Values, on.Type).view(Place(network, state).shape));
        var batch = new Batch(data, 3, 1, rows);
        var order = arange(Golden.Values.Batches.Length * rows, ScalarType.Int64, on.Device).view(-1, rows);
        var worst = 0.0;

        if (golden.Losses is { } losses)
        {
            var stepsPerEpoch = losses.Length / golden.Configuration[Parameters.Epochs];
            var optimizer = new Optimizer(network.Learned, [.. Enumerable.Repeat(golden.Configuration, 3)], stepsPerEpoch);
            foreach (var (step, loss) in losses.Index())
            {
                var total = on.Sums(3);
                if (step % stepsPerEpoch == 0)
                    optimizer.BeginEpoch(step / stepsPerEpoch + 1);
                batch.Fill(order, step);
                if (step == 0)
                    Check("logits", golden.Logits!.Difference(Numbers(network.PreActivations(batch, network.Shapes.Length)[Trial].t())));
                network.Train(batch, step, total);
                Check($"loss of step {step}", Math.Abs(total[Trial].item<double>() / rows - loss) / loss);
                if (step == 0)
                {
                    foreach (var learned in network.Learned)
                        Check($"gradient of {learned.Name}", GoldenCase.Difference(
                            golden.Gradients!, learned.Name, Numbers(Place(network, learned, learned.Gradient))));
                }
                optimizer.Step(step % stepsPerEpoch);
            }
            foreach (var state in network.State)
                Check(state.Name, GoldenCase.Difference(golden.End!, state.Name, Numbers(Place(network, state))));
            Assert.Equal(golden.End!.Keys.Order(), network.State.Select(state => state.Name).Order());
        }

        Check("evaluation", LogLikelihoods(golden.Evaluation).Difference(Evaluate(network, rows, on)));
        output.WriteLine($"largest difference {worst:g3}");

        void Check(string what, double difference)
        {
            worst = Math.Max(worst, difference);
            Assert.True(difference < Tolerance(on.Type), $"{name}, {on}: {what} is {difference:g3} of its norm away.");
        }
    }

    [Theory]
    [MemberData(nameof(Functions))]
    public void ForwardAndBackward_Grid_AgreeWithPyTorch(string name, ScalarType type) => CheckFunction(name, Placement.OnCpu(type));

    internal static void CheckFunction(string name, Placement on)
    {
        var golden = Golden.Values.Functions.Single(golden => golden.Name == name);
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        var columns = golden.Input.Values.Length;
        var all = new Segment(0, 1);
        var alpha = golden.Configuration[Parameters.Activation] == "prelu"
            ? new Learned("1.alpha", all, on.Full(golden.Configuration[Parameters.PreluAlpha], 1, 1, 1), Decays: false)
            : null;
        var activation = Activation.ByName[golden.Configuration[Parameters.Activation]]
            .Make(new(1, all, [golden.Configuration], 1, columns, alpha, new([new(1)], on), on));
        var z = tensor(golden.Input.Values, on.Type, on.Device).view(1, 1, columns);

        var evaluated = z.clone();
        activation.Forward(evaluated, Mode.Evaluation);
        var y = z.clone();
        activation.Forward(y, Mode.Probing);
        var gradient = ones_like(y);
        activation.Backward(gradient, y);

        Assert.True(golden.Output.Difference(Numbers(evaluated)) < Tolerance(on.Type), $"{name}, {on}: in evaluation");
        Assert.True(golden.Output.Difference(Numbers(y)) < Tolerance(on.Type), $"{name}, {on}: in a pass with gradients");
        Assert.True(golden.Derivative.Difference(Numbers(gradient)) < Tolerance(on.Type), $"{name}, {on}: slope");
    }

    private static double Tolerance(ScalarType type) => type is ScalarType.Float64 ? 1e-10 : 1e-6;

    /// <summary>The mini-batches one after the other.</summary>
    /// <param name="label">The class of all rows instead of their own.</param>
    private static Dataset Data(Placement on, int? label = null)
    {
        var batches = Golden.Values.Batches;
        int[] labels = [.. batches.SelectMany(batch => batch.Labels).Select(own => label ?? (int)own)];
        var features = (int)batches[0].X.Shape[1];
        return new(
            new("golden", labels.Length, features, Classes, "PyTorch"),
            tensor(batches.SelectMany(batch => batch.X.Values).ToArray(), on.Type, on.Device).view(-1, features),
            [.. labels]);
    }

    /// <summary>The trial's part of a tensor, or of its gradient, without padding.</summary>
    private static Tensor Place(FusedNetwork network, Stacked state, Tensor? gradient = null)
    {
        var layer = network.Shapes[state.Name[0] - '1'];
        var own = (gradient ?? state.Value)[Trial];
        return state.Name.Split('.')[1] switch
        {
            "weight" => own.narrow(0, 0, layer.Units).narrow(1, 0, layer.Inputs),
            "alpha" => own,
            _ => own.narrow(0, 0, layer.Units),
        };
    }

    private static double[] Numbers(Tensor tensor) => tensor.to(ScalarType.Float64).cpu().contiguous().data<double>().ToArray();

    /// <summary>
    /// The log-likelihood of each class at each row of the first mini-batch, [B, C]: what the row would take from the loss.
    /// </summary>
    private static double[] Evaluate(FusedNetwork network, int rows, Placement on)
    {
        var logLikelihoods = new double[rows * Classes];
        for (var label = 0; label < Classes; label++)
        {
            var batch = new Batch(Data(on, label), 3, 1, rows);
            batch.Fill(arange(rows, ScalarType.Int64, on.Device).view(1, rows), 0);
            var before = 0.0;
            for (var row = 0; row < rows; row++)
            {
                var (loss, right) = (on.Sums(3), on.Counts(3));
                network.Evaluate(batch, row + 1, loss, right);
                logLikelihoods[row * Classes + label] = before - loss[Trial].item<double>();
                before = loss[Trial].item<double>();
            }
        }
        return logLikelihoods;
    }

    private static GoldenTensor LogLikelihoods(GoldenTensor logits) =>
        new(logits.Shape, Numbers(nn.functional.log_softmax(tensor(logits.Values).view(logits.Shape), 1)));
}
