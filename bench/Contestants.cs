using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Fusion;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Networks;
using DeepTrain.Cluster.Training.Optimizers;
using DeepTrain.Cluster.Training.Stacking;
using TorchSharp;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Bench;

/// <summary>A network to train by SGD with momentum, with ELU units, on random rows.</summary>
/// <param name="Layers">From features to classes.</param>
/// <param name="Cohort">How many trials are fused.</param>
/// <param name="Rows">Of the data set whose epochs show what gradient health costs.</param>
internal sealed record Work(string Network, ImmutableArray<int> Layers, int BatchSize, int Cohort, int Rows)
{
    public const int Batches = 16;
    public const double LearningRate = 0.001;
    public const double Momentum = 0.9;

    /// <summary>On the processor, unless <see cref="On"/> says otherwise.</summary>
    public Dataset Data { get; private init; } = Random(Layers[0], Layers[^1], BatchSize * Batches);

    /// <summary>The same work with its data on a device.</summary>
    public Work On(ComputeDevice device) => this with { Data = Data.To(device.Torch) };

    public Configuration Configuration { get; } = Sweeps.Configurations.Configuration.Resolve(new Dictionary<string, ParameterValue>
    {
        [Parameters.Dataset.Name] = ParameterValue.Of("digits"),
        [Parameters.Hidden.Name] = ParameterValue.Of(Layers[1..^1]),
        [Parameters.Activation.Name] = ParameterValue.Of("elu"),
        [Parameters.BatchSize.Name] = ParameterValue.Of((long)BatchSize),
        [Parameters.LearningRate.Name] = ParameterValue.Of(LearningRate),
        [Parameters.Momentum.Name] = ParameterValue.Of(Momentum),
    });

    /// <summary>Floating-point operations in the products of a trial's step: three a layer, but none at the gradient of the first's input.</summary>
    public double Operations => 2.0 * BatchSize * (3 * Layers.Zip(Layers.Skip(1), (fanIn, fanOut) => (double)fanIn * fanOut).Sum() - (double)Layers[0] * Layers[1]);

    /// <summary>
    /// Bytes that a trial's step cannot but move through memory: a weight is read by the forward and by the backward pass (but the first
    /// layer's by the forward one alone), its gradient written, and the update reads weight, gradient and velocity and writes weight and
    /// velocity; a layer's output is written and read by the pass forward, and it and its gradient once more each by the pass back.
    /// </summary>
    public double Bytes
    {
        get
        {
            var weights = Layers.Zip(Layers.Skip(1), (fanIn, fanOut) => (fanIn + 1.0) * fanOut).ToList();
            var outputs = Layers.Skip(1).Sum() * (double)BatchSize;
            return sizeof(float) * (8 * weights.Sum() - weights[0] + 5 * outputs);
        }
    }

    public static Dataset Random(int features, int classes, int rows)
    {
        var draws = new Random(1);
        return Dataset.From(
            new("random", rows, features, classes, "drawn"),
            [.. Enumerable.Range(0, rows * features).Select(_ => draws.NextSingle())],
            [.. Enumerable.Range(0, rows).Select(_ => draws.Next(classes))]);
    }
}

/// <summary>Something that trains; made, used and disposed on one thread.</summary>
internal interface ITrials : IDisposable
{
    /// <summary>One mini-batch for each of its trials.</summary>
    void Step();
}

/// <summary>Large square products: what the machine can do at best.</summary>
internal sealed class SquareProducts : ITrials
{
    public const double Operations = 2.0 * Size * Size * Size;
    private const int Size = 768;

    private readonly Tensor _left = rand(Size, Size);
    private readonly Tensor _right = rand(Size, Size);

    public void Step() => matmul(_left, _right).Dispose();

    public void Dispose()
    {
        _left.Dispose();
        _right.Dispose();
    }
}

/// <summary>One trial as TorchSharp's users write it.</summary>
internal sealed class StockTrial : ITrials
{
    private readonly Work _work;
    private readonly nn.Module<Tensor, Tensor> _network;
    private readonly optim.Optimizer _optimizer;
    private readonly nn.Module<Tensor, Tensor, Tensor> _loss = nn.CrossEntropyLoss();
    private int _step;

    public StockTrial(Work work)
    {
        _work = work;
        var modules = new List<(string, nn.Module<Tensor, Tensor>)>();
        for (var layer = 1; layer < work.Layers.Length; layer++)
        {
            modules.Add(($"linear{layer}", nn.Linear(work.Layers[layer - 1], work.Layers[layer])));
            if (layer + 1 < work.Layers.Length)
                modules.Add(($"elu{layer}", nn.ELU()));
        }
        _network = nn.Sequential(modules).to(work.Data.Features.device);
        _optimizer = optim.SGD(_network.parameters(), Work.LearningRate, momentum: Work.Momentum);
    }

    public void Step()
    {
        using var scope = NewDisposeScope();
        var batch = _step++ % Work.Batches;
        var x = _work.Data.Features.narrow(0, batch * _work.BatchSize, _work.BatchSize);
        var y = _work.Data.LabelTensor.narrow(0, batch * _work.BatchSize, _work.BatchSize);
        _optimizer.zero_grad();
        _loss.call(_network.call(x), y).backward();
        _optimizer.step();
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _network.Dispose();
        _loss.Dispose();
    }
}

/// <summary>The network of <see cref="FusedTrainer"/>, of one trial or of many.</summary>
internal sealed class FusedTrials : ITrials
{
    private readonly IDisposable _inference = inference_mode();
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly FusedNetwork _network;
    private readonly Batch _batch;
    private readonly Optimizer _optimizer;
    private readonly Tensor _loss;
    private readonly Tensor _rows;
    private int _step;

    public FusedTrials(Work work, int trials)
    {
        TorchRuntime.FlushDenormals();
        var configurations = Enumerable.Repeat(work.Configuration, trials).ToImmutableArray();
        var on = Placement.Of(work.Data.Features);
        _network = new(configurations, work.Data.Info, [new(1)], evaluationRows: NetworkShape.VectorElements, on);
        _batch = new(work.Data, trials, groups: 1, work.BatchSize);
        _optimizer = new(_network.Learned, configurations, Work.Batches);
        _optimizer.BeginEpoch(1);
        _loss = on.Sums(trials);
        _rows = arange(work.BatchSize * Work.Batches, ScalarType.Int64, on.Device).view(Work.Batches, work.BatchSize);
        foreach (var weight in _network.Weights)
        {
            using var start = (rand_like(weight.Value) - 0.5f) / MathF.Sqrt(weight.Value.shape[2]);
            weight.Value.copy_(start);
        }
    }

    public void Step()
    {
        _batch.Fill(_rows, ++_step % Work.Batches);
        _network.Train(_batch, _step, _loss);
        _optimizer.Step(_step % Work.Batches);
    }

    public void Dispose()
    {
        _network.Dispose();
        _scope.Dispose();
        _inference.Dispose();
    }
}
