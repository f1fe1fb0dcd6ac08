using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps;
using TorchSharp;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training;

/// <summary>K multilayer perceptrons as one stacked network.</summary>
/// <remarks>
/// No operation mixes values of two trials, and none works on another path because of how many there are: a trial's numbers are the
/// same bits with any neighbours. Vector kernels treat the last few elements of a row differently, so hidden layers are padded with
/// units whose output is 0 until each trial's part of a buffer is a whole number of <see cref="VectorElements"/>.
/// All tensors that a step needs are made at the start; a step makes none that lasts.
/// </remarks>
internal sealed class FusedNetwork : IDisposable
{
    /// <summary>What libtorch's vector kernels take in one stride: two registers of 16 floats.</summary>
    public const int VectorElements = 32;

    private readonly ImmutableArray<Dense> _dense;
    private readonly ImmutableArray<HiddenLayer> _hidden;
    private readonly ImmutableArray<Stacked> _state;
    private readonly Pass _training;
    private readonly Pass _evaluation;
    private readonly Tensor[] _gradients; // at the hidden layers' outputs and then pre-activations, [K, H, B]
    private readonly Tensor[][] _gradientParts;
    private readonly Tensor?[] _gradientChannels;
    private readonly Tensor[] _transposed; // the hidden layers' outputs as [K, B, H]
    private readonly Tensor _outputGradient; // [K, C, B]
    private readonly Scalar _scale;
    private readonly IReadOnlyList<IDisposable> _tensors;

    /// <param name="trials">Sorted by <see cref="Order"/>.</param>
    public FusedNetwork(ImmutableArray<Configuration> trials, int features, int classes, int evaluationRows)
    {
        using var scope = NewDisposeScope();
        var rows = trials[0][Parameters.BatchSize];
        var step = VectorElements / Gcd(VectorElements, rows);
        Inputs = [features, .. trials[0][Parameters.Hidden].Select(units => (units + step - 1) / step * step)];
        var groups = Segments(trials, Group);
        var normalised = Segments(trials, trial => trial[Parameters.BatchNorm])
            .Where(segment => trials[segment.Start][Parameters.BatchNorm])
            .Select(segment => (Segment?)segment).SingleOrDefault();
        var all = new Segment(0, trials.Length);

        Weights = [.. Enumerable.Range(0, Inputs.Length).Select(layer => new Learned($"{layer + 1}.weight", all,
            zeros(trials.Length, layer + 1 < Inputs.Length ? Inputs[layer + 1] : classes, Inputs[layer])))];
        _dense = [.. Weights.Select((weight, layer) => new Dense(weight,
            new($"{layer + 1}.bias", all, zeros(trials.Length, weight.Value.shape[1], 1))))];
        _hidden = [.. trials[0][Parameters.Hidden].Select((units, layer) => new HiddenLayer(
            units,
            normalised is { } segment ? new BatchNorm(layer + 1, segment, Inputs[layer + 1], rows) : null,
            [.. groups.Select(group => (group, Activation.ByName[trials[group.Start][Parameters.Activation]].Make(
                new(layer + 1, group, trials.Slice(group.Start, group.Count), Inputs[layer + 1], rows))))]))];

        Learned = [.. _dense.SelectMany(dense => dense.Learned), .. _hidden.SelectMany(layer => layer.Learned)];
        _state = [.. Learned, .. _hidden.SelectMany(layer => layer.Norm?.Statistics ?? [])];
        _scale = 1.0 / rows;
        _training = new(this, trials.Length, rows, classes);
        _evaluation = new(this, trials.Length, evaluationRows, classes);
        _gradients = [.. Inputs.Skip(1).Select(units => zeros(trials.Length, units, rows))];
        _gradientParts = [.. _hidden.Select((layer, index) => layer.Parts(_gradients[index]))];
        _gradientChannels = [.. _hidden.Select((layer, index) => layer.Norm?.View(_gradients[index]))];
        _transposed = [.. Inputs.Skip(1).Select(units => zeros(trials.Length, rows, units))];
        _outputGradient = zeros(trials.Length, classes, rows);
        _tensors = [.. scope.DisposablesView];
        scope.Detach(_tensors);
    }

    /// <summary>The sizes of each layer's input, padded: features, then hidden units.</summary>
    public ImmutableArray<int> Inputs { get; }

    /// <summary>Each layer's weights, [K, out, in].</summary>
    public ImmutableArray<Learned> Weights { get; }

    public ImmutableArray<Learned> Learned { get; }

    /// <summary>What a trial's model is: what is learned, and batch norm's statistics.</summary>
    public IEnumerable<Stacked> State => _state;

    /// <summary>Trials with one activation and one constant of it lie side by side, those with batch norm before those without.</summary>
    public static IEnumerable<T> Order<T>(IEnumerable<T> trials, Func<T, Configuration> of) =>
        trials.OrderBy(trial => Group(of(trial)));

    /// <summary>Takes over the state of those trials of another network that are in this one.</summary>
    /// <param name="kept">For each trial here its place there.</param>
    public void Take(FusedNetwork other, ReadOnlySpan<int> kept)
    {
        var others = other._state.ToDictionary(stacked => stacked.Name);
        foreach (var stacked in _state)
            stacked.Take(others[stacked.Name], kept);
    }

    /// <summary>Trains on one mini-batch, up to the gradients.</summary>
    /// <param name="total">[K], float64: each trial's summed loss is added.</param>
    public void Train(Batch batch, Tensor total)
    {
        Forward(_training, batch.X, training: true);
        Kernels.Run("softmax_loss", _training.Logits, batch.Labels, batch.Targets, _scale, _training.LogLikelihoods, _outputGradient, total);
        var gradient = _outputGradient;
        for (var layer = _hidden.Length; layer > 0; layer--)
        {
            var below = layer - 1;
            Kernels.Run("transpose", _training.Outputs[below], _transposed[below]);
            _dense[layer].Gradient(gradient, _transposed[below]);
            _dense[layer].Backward(gradient, _gradients[below]);
            _hidden[below].Backward(_gradientParts[below], _gradientChannels[below], _training.Parts[below]);
            gradient = _gradients[below];
        }
        _dense[0].Gradient(gradient, batch.Transposed);
    }

    /// <summary>Adds each trial's summed loss and right answers over some rows, in evaluation mode.</summary>
    /// <param name="rows">How many of the batch's rows count; the rest only fill it.</param>
    /// <param name="loss">[K], float64.</param>
    /// <param name="right">[K], int64.</param>
    public void Evaluate(Batch batch, int rows, Tensor loss, Tensor right)
    {
        Forward(_evaluation, batch.X, training: false);
        Kernels.Run("score", _evaluation.Logits, batch.Labels, rows, _evaluation.LogLikelihoods, loss, right);
    }

    public void Dispose()
    {
        foreach (var tensor in _tensors)
            tensor.Dispose();
    }

    private void Forward(Pass pass, Tensor x, bool training)
    {
        for (var layer = 0; layer < _hidden.Length; layer++)
        {
            _dense[layer].Forward(x, pass.Outputs[layer]);
            _hidden[layer].Forward(pass.Parts[layer], pass.Channels[layer], training);
            pass.Padding[layer]?.zero_();
            x = pass.Outputs[layer];
        }
        _dense[^1].Forward(x, pass.Logits);
    }

    private static (bool Plain, string Activation, double Constant) Group(Configuration trial)
    {
        var name = trial[Parameters.Activation];
        return (!trial[Parameters.BatchNorm], name, Activation.ByName[name].Constant is { } constant ? trial[constant] : 0);
    }

    private static ImmutableArray<Segment> Segments<T>(ImmutableArray<Configuration> trials, Func<Configuration, T> key)
    {
        var segments = ImmutableArray.CreateBuilder<Segment>();
        for (var start = 0; start < trials.Length;)
        {
            var first = key(trials[start]);
            var count = trials.Skip(start).TakeWhile(trial => Equals(key(trial), first)).Count();
            segments.Add(new(start, count));
            start += count;
        }
        return segments.ToImmutable();
    }

    private static int Gcd(int a, int b) => b == 0 ? a : Gcd(b, a % b);

    /// <summary>Batch norm and activation of one layer.</summary>
    private sealed record HiddenLayer(int Units, BatchNorm? Norm, ImmutableArray<(Segment Trials, Activation Activation)> Groups)
    {
        public IEnumerable<Learned> Learned => [.. Norm?.Learned ?? [], .. Groups.SelectMany(group => group.Activation.Learned)];

        public Tensor[] Parts(Tensor buffer) => [.. Groups.Select(group => group.Trials.Of(buffer))];

        public void Forward(Tensor[] parts, Tensor? channels, bool training)
        {
            if (Norm is not null && training)
                Norm.Train(channels!);
            else
                Norm?.Evaluate(channels!);
            for (var group = 0; group < parts.Length; group++)
                Groups[group].Activation.Forward(parts[group], training);
        }

        public void Backward(Tensor[] gradients, Tensor? channels, Tensor[] outputs)
        {
            for (var group = 0; group < gradients.Length; group++)
                Groups[group].Activation.Backward(gradients[group], outputs[group]);
            Norm?.Backward(channels!);
        }
    }

    /// <summary>Room for a forward pass over some rows, with views by group.</summary>
    private sealed class Pass
    {
        public Pass(FusedNetwork network, int trials, int rows, int classes)
        {
            Outputs = [.. network.Inputs.Skip(1).Select(units => zeros(trials, units, rows))];
            Logits = zeros(trials, classes, rows);
            LogLikelihoods = zeros(trials, classes, rows);
            Parts = [.. network._hidden.Select((layer, index) => layer.Parts(Outputs[index]))];
            Channels = [.. network._hidden.Select((layer, index) => layer.Norm?.View(Outputs[index]))];
            Padding = [.. network._hidden.Select((layer, index) => layer.Units < network.Inputs[index + 1]
                ? Outputs[index].narrow(1, layer.Units, network.Inputs[index + 1] - layer.Units)
                : null)];
        }

        public Tensor[] Outputs { get; } // [K, H, rows]

        public Tensor Logits { get; } // [K, C, rows]

        public Tensor LogLikelihoods { get; }

        public Tensor[][] Parts { get; }

        public Tensor?[] Channels { get; }

        public Tensor?[] Padding { get; }
    }
}
