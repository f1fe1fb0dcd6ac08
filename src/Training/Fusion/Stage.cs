using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Health;
using DeepTrain.Cluster.Training.Networks;
using DeepTrain.Cluster.Training.Optimizers;
using DeepTrain.Cluster.Training.Randomness;
using DeepTrain.Cluster.Training.Stacking;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Fusion;

/// <summary>The network of the trials in training, with its optimizer and buffers.</summary>
internal sealed class Stage : IDisposable
{
    /// <summary>The number of rows evaluated at once, a multiple of <see cref="NetworkShape.VectorElements"/>.</summary>
    private const int EvaluationRows = 128;

    private readonly ImmutableArray<Replicate> _groups; // one for all trials, or one for each
    private readonly Placement _on;
    private readonly int _trials;
    private readonly int _rows;
    private readonly Batch _training;
    private readonly Batch _evaluation;
    private readonly Optimizer _optimizer;
    private readonly HealthProbe? _probe;
    private readonly IReadOnlyList<IDisposable> _tensors;

    /// <param name="trials">Sorted by <see cref="TrialOrder"/>.</param>
    /// <param name="replicates">The replicate of each trial.</param>
    /// <param name="watches">Whether <see cref="Look"/> will be called. Otherwise its buffers are left out.</param>
    public Stage(Dataset data, ImmutableArray<Configuration> trials, ImmutableArray<Replicate> replicates, bool watches = true)
    {
        _on = Placement.Of(data.Features);
        _groups = replicates.Distinct().Count() == 1 ? [replicates[0]] : replicates;
        _trials = trials.Length;
        _rows = trials[0][Parameters.BatchSize];
        Steps = _groups[0].Partition.Train.Length / _rows;
        Network = new(trials, data.Info, [.. _groups.Select(replicate => replicate.Draws)], EvaluationRows, _on);
        try
        {
            using var scope = NewDisposeScope();
            _training = new(data, _trials, _groups.Length, _rows);
            _evaluation = new(data, _trials, _groups.Length, EvaluationRows);
            FirstBatch = new(data, _trials, _groups.Length, _rows);
            FirstBatch.Fill(Order(epoch: 1), 0);
            _optimizer = new(Network.Learned, trials, Steps);
            _probe = watches ? new(Network, trials, FirstBatch) : null;
            State = [.. Network.State, .. _optimizer.State];
            _tensors = [.. scope.DisposablesView];
            scope.Detach(_tensors);
        }
        catch
        {
            // If the memory ran out, the next attempt needs it back.
            Network.Dispose();
            throw;
        }
    }

    public FusedNetwork Network { get; }

    /// <summary>All state that another stage of the same trials needs to continue from here.</summary>
    public ImmutableArray<Stacked> State { get; }

    /// <summary>The base draws of a trial.</summary>
    public BaseDraws DrawsOf(int trial) => _groups[_groups.Length == 1 ? 0 : trial].Draws;

    /// <summary>The number of mini-batches in an epoch.</summary>
    public int Steps { get; }

    /// <summary>The number of rows that each trial trains in an epoch.</summary>
    public int Samples => Steps * _rows;

    /// <summary>The first mini-batch of the first epoch.</summary>
    public Batch FirstBatch { get; }

    /// <summary>Trains one epoch.</summary>
    /// <param name="epoch">Counted from 1. It determines the mini-batches, the rates and the random draws.</param>
    /// <param name="stop">Checked before each mini-batch.</param>
    /// <returns>Each trial's mean loss.</returns>
    public double[] Train(int epoch, CancellationToken stop = default)
    {
        using var scope = NewDisposeScope();
        var rows = Order(epoch);
        var loss = _on.Sums(_trials);
        _optimizer.BeginEpoch(epoch);
        for (var step = 0; step < Steps; step++)
        {
            stop.ThrowIfCancellationRequested();
            _training.Fill(rows, step);
            Network.Train(_training, (epoch - 1) * Steps + step, loss);
            if (step == Steps - 1)
                _probe?.BeforeUpdate();
            _optimizer.Step(step);
        }
        _probe?.AfterUpdate();
        return Array.ConvertAll(loss.cpu().data<double>().ToArray(), sum => sum / ((double)Steps * _rows));
    }

    /// <summary>Each trial's mean loss and accuracy over the validation rows of its replicate.</summary>
    public (double[] Loss, double[] Accuracy) Validate() => Evaluate(replicate => replicate.Partition.Validation, notesOutputs: _probe is not null);

    /// <summary>Each trial's mean loss and accuracy over the test rows of its replicate.</summary>
    public (double[] Loss, double[] Accuracy) Test() => Evaluate(replicate => replicate.Partition.Test, notesOutputs: false);

    /// <summary>Measures each trial's gradients after the last <see cref="Validate"/>.</summary>
    /// <param name="diverged">Whether a loss or parameter of each trial became infinite or NaN.</param>
    public GradientHealth[] Look(bool[] diverged) => _probe!.Look(diverged);

    /// <summary>Whether all learned numbers of each trial are finite.</summary>
    public bool[] Finite()
    {
        using var scope = NewDisposeScope();
        var finite = Enumerable.Repeat(true, _trials).ToArray();
        foreach (var learned in Network.Learned)
        {
            var largest = learned.Value.abs().amax([1, 2]).to(ScalarType.Float32).cpu().data<float>().ToArray();
            for (var i = 0; i < largest.Length; i++)
                finite[learned.Trials.Start + i] &= float.IsFinite(largest[i]) || !Network.IsOf(learned, learned.Trials.Start + i);
        }
        return finite;
    }

    /// <summary>Copies the state of this stage's trials from another stage that contains them.</summary>
    /// <param name="kept">For each trial of this stage, its index in the other.</param>
    public void Take(Stage other, ReadOnlySpan<int> kept)
    {
        var others = other.State.ToDictionary(stacked => stacked.Name);
        foreach (var stacked in State)
            stacked.Take(others[stacked.Name], kept);
        _probe?.Take(other._probe!, kept);
    }

    public void Dispose()
    {
        Network.Dispose();
        foreach (var tensor in _tensors)
            tensor.Dispose();
    }

    private (double[] Loss, double[] Accuracy) Evaluate(Func<Replicate, ImmutableArray<int>> part, bool notesOutputs)
    {
        using var scope = NewDisposeScope();
        var count = part(_groups[0]).Length;
        var rows = Rows(replicate => [.. part(replicate), .. new int[-count & (EvaluationRows - 1)]], EvaluationRows);
        var loss = _on.Sums(_trials);
        var right = _on.Counts(_trials);
        for (var batch = 0; batch * EvaluationRows < count; batch++)
        {
            _evaluation.Fill(rows, batch);
            Network.Evaluate(_evaluation, Math.Min(EvaluationRows, count - batch * EvaluationRows), loss, right, notesOutputs);
        }
        return (Array.ConvertAll(loss.cpu().data<double>().ToArray(), sum => sum / count),
            Array.ConvertAll(right.cpu().data<long>().ToArray(), sum => (double)sum / count));
    }

    /// <summary>A new permutation of each replicate's training rows, without the last rows that do not fill a batch.</summary>
    private Tensor Order(int epoch) => Rows(
        replicate => replicate.Draws.Shuffle([.. replicate.Partition.Train], Purpose.BatchOrder, epoch)[..(Steps * _rows)], _rows);

    /// <summary>[batches, G*size]: the rows of each replicate in each batch.</summary>
    private Tensor Rows(Func<Replicate, int[]> of, int size)
    {
        var orders = _groups.Distinct().ToDictionary(replicate => replicate, of);
        var batches = orders[_groups[0]].Length / size;
        var rows = new long[batches * _groups.Length * size];
        var at = 0;
        for (var batch = 0; batch < batches; batch++)
        {
            foreach (var group in _groups)
            {
                foreach (var row in orders[group].AsSpan(batch * size, size))
                    rows[at++] = group.FirstRow + row;
            }
        }
        return _on.Places(rows, batches, _groups.Length * size);
    }
}
