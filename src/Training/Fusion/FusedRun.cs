using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training;

/// <summary>A cohort in training.</summary>
internal sealed class FusedRun : ITrainingRun
{
    /// <summary>Rows that are evaluated at once; a multiple of <see cref="FusedNetwork.VectorElements"/>.</summary>
    private const int EvaluationRows = 128;

    private readonly TimeProvider _time;
    private readonly Dataset _data;
    private readonly Dictionary<int, Replicate> _replicates;
    private readonly int _batch;
    private readonly int _epochs;
    private readonly ModelFolder? _models;
    private ImmutableArray<CohortTrial> _trials;
    private Stage? _stage;
    private int _epoch;

    public FusedRun(Cohort cohort, TimeProvider time)
    {
        var first = cohort.Trials[0].Configuration;
        if (cohort.Trials.FirstOrDefault(trial => trial.Configuration.FusionKey != first.FusionKey) is { } other)
            throw new ArgumentException($"{other.Id} cannot train beside {cohort.Trials[0].Id}: expected one fusion key.", nameof(cohort));
        _time = time;
        _data = Dataset.Of(first[Parameters.Dataset]);
        _batch = first[Parameters.BatchSize];
        _epochs = first[Parameters.Epochs];
        _models = cohort.Models;
        _trials = [.. FusedNetwork.Order(cohort.Trials, trial => trial.Configuration)];
        _replicates = cohort.Trials.Select(trial => trial.Id.Replicate).Distinct()
            .ToDictionary(number => number, number => new Replicate(new(number), Partition.Of(_data.Labels, first, number)));
        using var inference = inference_mode();
        _stage = new(this);
        try
        {
            if (cohort.Checkpoint is { } checkpoint)
                _epoch = Checkpoint.Restore(checkpoint, [.. Aboard], _stage.Network.State.SelectMany(stacked => stacked.Saved));
            else
                Initialize(_stage.Network);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public IReadOnlyCollection<TrialId> Aboard => [.. _trials.Select(trial => trial.Id)];

    public int Epoch => _epoch;

    public IReadOnlyList<EpochReport> ReportStart()
    {
        var stage = _stage ?? throw new InvalidOperationException("Nobody is aboard: every trial has ended or left.");
        using var inference = inference_mode();
        var (loss, accuracy) = stage.Evaluate(replicate => replicate.Partition.Validation);
        return [.. _trials.Select((trial, i) => new EpochReport(trial.Id, 0, double.NaN, loss[i], accuracy[i], 0, 0, null))];
    }

    public void Save(string path)
    {
        var stage = _stage ?? throw new InvalidOperationException("Nobody is aboard: every trial has ended or left.");
        using var inference = inference_mode();
        Checkpoint.Save(path, _epoch, [.. Aboard], stage.Network.State.SelectMany(stacked => stacked.Saved));
    }

    public IReadOnlyList<EpochReport> TrainEpoch()
    {
        var stage = _stage ?? throw new InvalidOperationException("Nobody is aboard: every trial has ended or left.");
        using var inference = inference_mode();
        var started = _time.GetTimestamp();
        _epoch++;
        var trainLoss = stage.Train(BatchOrder(), out var batches);
        var (validationLoss, validationAccuracy) = stage.Evaluate(replicate => replicate.Partition.Validation);
        var finite = stage.Finite();
        var last = _epoch == _epochs;
        var (testLoss, testAccuracy) = last ? stage.Evaluate(replicate => replicate.Partition.Test) : ([], []);
        var seconds = _time.GetElapsedTime(started).TotalSeconds / _trials.Length;

        var reports = ImmutableArray.CreateBuilder<EpochReport>(_trials.Length);
        for (var i = 0; i < _trials.Length; i++)
        {
            var loss = trainLoss[i] / ((double)batches * _batch);
            var diverged = !finite[i] || !double.IsFinite(loss) || !double.IsFinite(validationLoss[i]);
            reports.Add(new(_trials[i].Id, _epoch, loss, validationLoss[i], validationAccuracy[i], batches, seconds,
                diverged ? new(Outcome.Diverged)
                : last ? new(Outcome.Completed, testLoss[i], testAccuracy[i])
                : null));
        }
        var all = reports.MoveToImmutable();
        KeepModels(all);
        Leave([.. all.Where(report => report.Ending is not null).Select(report => report.Trial)]);
        return all;
    }

    public void Leave(IReadOnlyCollection<TrialId> trials)
    {
        var leaving = trials.ToHashSet();
        int[] kept = [.. Enumerable.Range(0, _trials.Length).Where(place => !leaving.Contains(_trials[place].Id))];
        if (kept.Length == _trials.Length)
            return;
        var left = _stage;
        _trials = [.. kept.Select(place => _trials[place])];
        using var inference = inference_mode();
        _stage = kept.Length == 0 ? null : new(this);
        _stage?.Network.Take(left!.Network, kept);
        left?.Dispose();
    }

    public void Dispose()
    {
        _stage?.Dispose();
        _stage = null;
        _trials = [];
    }

    /// <summary>The units of each layer, without padding.</summary>
    private int[] Sizes() => [_data.Info.Features, .. _trials[0].Configuration[Parameters.Hidden], _data.Info.Classes];

    private void KeepModels(ImmutableArray<EpochReport> reports)
    {
        for (var place = 0; place < reports.Length && _models is not null; place++)
            if (reports[place].Ending is { Outcome: Outcome.Completed })
                _models.Keep(_trials[place].Id, path => Model.Save(path, _trials[place], reports[place], _stage!.Network.State, place, Sizes()));
    }

    private void Initialize(FusedNetwork network)
    {
        var sizes = Sizes();
        for (var layer = 0; layer + 1 < sizes.Length; layer++)
        {
            var value = network.Weights[layer].Value; // [K, out, in], both padded
            var (rows, columns) = ((int)value.shape[1], (int)value.shape[2]);
            var weights = new float[_trials.Length * rows * columns];
            for (var k = 0; k < _trials.Length; k++)
            {
                var (id, configuration) = _trials[k];
                var start = Initializer.ByName[configuration[Parameters.Initializer]]
                    .Weights(_replicates[id.Replicate].Draws, layer + 1, sizes[layer + 1], sizes[layer], configuration);
                for (var row = 0; row < sizes[layer + 1]; row++)
                {
                    for (var column = 0; column < sizes[layer]; column++)
                        weights[(k * rows + row) * columns + column] = (float)start[row * sizes[layer] + column];
                }
            }
            using var filled = tensor(weights, value.shape);
            value.copy_(filled);
        }
    }

    /// <summary>A fresh permutation of each replicate's training rows; the last rows that fill no batch are left out.</summary>
    private Func<Replicate, int[]> BatchOrder() => replicate =>
    {
        var order = replicate.Draws.Shuffle([.. replicate.Partition.Train], Purpose.BatchOrder, _epoch);
        return order[..(order.Length / _batch * _batch)];
    };

    private sealed record Replicate(BaseDraws Draws, Partition Partition);

    /// <summary>The network of those aboard and what it needs to train them.</summary>
    private sealed class Stage : IDisposable
    {
        private readonly FusedRun _run;
        private readonly ImmutableArray<Replicate> _groups; // one for all trials, or one for each
        private readonly Batch _training;
        private readonly Batch _evaluation;
        private readonly Sgd _optimizer;
        private readonly IReadOnlyList<IDisposable> _tensors;

        public Stage(FusedRun run)
        {
            _run = run;
            var replicates = run._trials.Select(trial => run._replicates[trial.Id.Replicate]).ToImmutableArray();
            _groups = replicates.Distinct().Count() == 1 ? [replicates[0]] : replicates;
            var configurations = run._trials.Select(trial => trial.Configuration).ToImmutableArray();
            Network = new(configurations, run._data.Info.Features, run._data.Info.Classes, EvaluationRows);
            using var scope = NewDisposeScope();
            _training = new(run._data, run._trials.Length, _groups.Length, run._batch);
            _evaluation = new(run._data, run._trials.Length, _groups.Length, EvaluationRows);
            _optimizer = new(Network.Learned, configurations);
            _tensors = [.. scope.DisposablesView];
            scope.Detach(_tensors);
        }

        public FusedNetwork Network { get; }

        /// <summary>One epoch; each trial's summed loss.</summary>
        public double[] Train(Func<Replicate, int[]> order, out int batches)
        {
            using var scope = NewDisposeScope();
            var rows = Rows(order, _run._batch, out batches);
            var loss = zeros(_run._trials.Length, ScalarType.Float64);
            for (var batch = 0; batch < batches; batch++)
            {
                _training.Fill(rows, batch);
                Network.Train(_training, loss);
                _optimizer.Step();
            }
            return loss.data<double>().ToArray();
        }

        /// <summary>Each trial's mean loss and accuracy over some rows of its replicate.</summary>
        public (double[] Loss, double[] Accuracy) Evaluate(Func<Replicate, ImmutableArray<int>> part)
        {
            using var scope = NewDisposeScope();
            var count = part(_groups[0]).Length;
            var rows = Rows(replicate => [.. part(replicate), .. new int[-count & (EvaluationRows - 1)]], EvaluationRows, out var batches);
            var loss = zeros(_run._trials.Length, ScalarType.Float64);
            var right = zeros(_run._trials.Length, ScalarType.Int64);
            for (var batch = 0; batch < batches; batch++)
            {
                _evaluation.Fill(rows, batch);
                Network.Evaluate(_evaluation, Math.Min(EvaluationRows, count - batch * EvaluationRows), loss, right);
            }
            return (Array.ConvertAll(loss.data<double>().ToArray(), sum => sum / count),
                Array.ConvertAll(right.data<long>().ToArray(), sum => (double)sum / count));
        }

        /// <summary>Which trials' learned numbers are all finite.</summary>
        public bool[] Finite()
        {
            using var scope = NewDisposeScope();
            var finite = Enumerable.Repeat(true, _run._trials.Length).ToArray();
            foreach (var learned in Network.Learned)
            {
                var largest = learned.Value.abs().amax([1, 2]).data<float>().ToArray();
                for (var i = 0; i < largest.Length; i++)
                    finite[learned.Trials.Start + i] &= float.IsFinite(largest[i]);
            }
            return finite;
        }

        public void Dispose()
        {
            Network.Dispose();
            foreach (var tensor in _tensors)
                tensor.Dispose();
        }

        /// <summary>[batches, G*size]: for each batch, its rows of each replicate.</summary>
        private Tensor Rows(Func<Replicate, int[]> of, int size, out int batches)
        {
            var orders = _groups.Distinct().ToDictionary(replicate => replicate, of);
            batches = orders[_groups[0]].Length / size;
            var rows = new long[batches * _groups.Length * size];
            var at = 0;
            for (var batch = 0; batch < batches; batch++)
            {
                foreach (var group in _groups)
                {
                    foreach (var row in orders[group].AsSpan(batch * size, size))
                        rows[at++] = row;
                }
            }
            return tensor(rows, [batches, _groups.Length * size]);
        }
    }
}
