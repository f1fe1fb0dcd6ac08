using DeepTrain.Cluster.Sweeps;
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
    public void Train_TenSteps_AgreesWithPyTorch(string name, ScalarType type)
    {
        var golden = Golden.Values.Cases.Single(golden => golden.Name == name);
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        var rows = golden.Configuration[Parameters.BatchSize];
        var data = Data(type);
        using var network = new FusedNetwork([.. Enumerable.Repeat(golden.Configuration, 3)], data.Info, [new(1)], rows, Placement.OnCpu(type));
        foreach (var state in network.State)
            Place(network, state).copy_(tensor(golden.Start[state.Name].Values, type).view(Place(network, state).shape));
        var batch = new Batch(data, 3, 1, rows);
        var order = arange(Golden.Values.Batches.Length * rows, ScalarType.Int64).view(-1, rows);
        var worst = 0.0;

        if (golden.Losses is { } losses)
        {
            var stepsPerEpoch = losses.Length / golden.Configuration[Parameters.Epochs];
            var optimizer = new Optimizer(network.Learned, [.. Enumerable.Repeat(golden.Configuration, 3)], stepsPerEpoch);
            foreach (var (step, loss) in losses.Index())
            {
                var total = zeros(3, ScalarType.Float64);
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

        Check("evaluation", LogLikelihoods(golden.Evaluation).Difference(Evaluate(network, rows, type)));
        output.WriteLine($"largest difference {worst:g3}");

        void Check(string what, double difference)
        {
            worst = Math.Max(worst, difference);
            Assert.True(difference < Tolerance(type), $"{name}, {type}: {what} is {difference:g3} of its norm away.");
        }
    }

    [Theory]
    [MemberData(nameof(Functions))]
    public void ForwardAndBackward_Grid_AgreeWithPyTorch(string name, ScalarType type)
    {
        var golden = Golden.Values.Functions.Single(golden => golden.Name == name);
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        var columns = golden.Input.Values.Length;
        var all = new Segment(0, 1);
        var alpha = golden.Configuration[Parameters.Activation] == "prelu"
            ? new Learned("1.alpha", all, full([1, 1, 1], golden.Configuration[Parameters.PreluAlpha], type), Decays: false)
            : null;
        var activation = Activation.ByName[golden.Configuration[Parameters.Activation]]
            .Make(new(1, all, [golden.Configuration], 1, columns, alpha, new([new(1)], Placement.OnCpu(type)), Placement.OnCpu(type)));
        var z = tensor(golden.Input.Values, type).view(1, 1, columns);

        var evaluated = z.clone();
        activation.Forward(evaluated, Mode.Evaluation);
        var y = z.clone();
        activation.Forward(y, Mode.Probing);
        var gradient = ones_like(y);
        activation.Backward(gradient, y);

        Assert.True(golden.Output.Difference(Numbers(evaluated)) < Tolerance(type), "in evaluation");
        Assert.True(golden.Output.Difference(Numbers(y)) < Tolerance(type), "in a pass with gradients");
        Assert.True(golden.Derivative.Difference(Numbers(gradient)) < Tolerance(type), "slope");
    }

    private static double Tolerance(ScalarType type) => type is ScalarType.Float64 ? 1e-10 : 1e-6;

    /// <summary>The mini-batches one after the other.</summary>
    /// <param name="label">The class of all rows instead of their own.</param>
    private static Dataset Data(ScalarType type, int? label = null)
    {
        var batches = Golden.Values.Batches;
        int[] labels = [.. batches.SelectMany(batch => batch.Labels).Select(own => label ?? (int)own)];
        var features = (int)batches[0].X.Shape[1];
        return new(
            new("golden", labels.Length, features, Classes, "PyTorch"),
            tensor(batches.SelectMany(batch => batch.X.Values).ToArray(), type).view(-1, features),
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

    private static double[] Numbers(Tensor tensor) => tensor.to(ScalarType.Float64).contiguous().data<double>().ToArray();

    /// <summary>
    /// The log-likelihood of each class at each row of the first mini-batch, [B, C]: what the row would take from the loss.
    /// </summary>
    private static double[] Evaluate(FusedNetwork network, int rows, ScalarType type)
    {
        var logLikelihoods = new double[rows * Classes];
        for (var label = 0; label < Classes; label++)
        {
            var batch = new Batch(Data(type, label), 3, 1, rows);
            batch.Fill(arange(rows, ScalarType.Int64).view(1, rows), 0);
            var before = 0.0;
            for (var row = 0; row < rows; row++)
            {
                var (loss, right) = (zeros(3, ScalarType.Float64), zeros(3, ScalarType.Int64));
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
