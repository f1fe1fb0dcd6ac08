using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Training.Activations;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Randomness;
using DeepTrain.Cluster.Training.Stacking;
using TorchSharp;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Networks;

/// <summary>The networks of K trials as one stacked network, with its own backward pass.</summary>
/// <remarks>
/// No operation mixes values of two trials, and none takes another path that depends on their number: a trial's numbers have the
/// same bits in every cohort. The constructor allocates all tensors that a step needs.
/// </remarks>
internal sealed class FusedNetwork : IDisposable
{
    private readonly ImmutableArray<LayerShape> _shapes;
    private readonly ImmutableArray<Dense> _dense;
    private readonly ImmutableArray<HiddenLayer> _hidden;
    private readonly StepDraws _draws;
    private readonly Pass _training;
    private readonly ImmutableArray<TrainingBuffers> _trainingBuffers;
    private readonly Pass _evaluation;
    private readonly ImmutableArray<EvaluationBuffers> _evaluationBuffers;
    private readonly (Tensor LayerBuffers, Tensor All)?[] _transposed; // the layers' inputs, [K or 1, columns, in] and [K, columns, in]; null where the mini-batch has it
    private readonly Tensor _outputGradient; // [K, C, B]
    private readonly Scalar _scale;
    private readonly (Tensor Kept, Tensor Spread)? _smoothing; // [K, 1, 1] each
    private readonly ImmutableArray<bool> _hasAlpha;
    private readonly IReadOnlyList<IDisposable> _tensors;

    /// <param name="trials">Sorted by <see cref="TrialOrder"/>.</param>
    /// <param name="draws">One for all trials, or one for each.</param>
    public FusedNetwork(
        ImmutableArray<Configuration> trials, DatasetInfo data, ImmutableArray<BaseDraws> draws, int evaluationRows,
        Placement? placement = null)
    {
        using var scope = NewDisposeScope();
        var on = placement ?? Placement.OnCpu();
        var rows = trials[0][Parameters.BatchSize];
        var all = new Segment(0, trials.Length);
        var order = new TrialOrder(trials);
        _shapes = NetworkShape.Of(trials[0], data.Features, data.Classes, data.Image);
        _draws = new(draws, on);
        _hasAlpha = [.. trials.Select(trial => trial[Parameters.Activation] == "prelu")];
        Alphas = !_hasAlpha.Contains(true) ? [] : [.. _shapes[..^1].Select(shape => new Learned($"{shape.Number}.alpha", all, Decays: false, Value: Column(
            trial => trial[Parameters.Activation] == "prelu" ? trial[Parameters.PreluAlpha] : 0)))];

        _dense = [.. _shapes.Select(shape => new Dense(
            new($"{shape.Number}.weight", all, on.Zeros(trials.Length, shape.Width, shape.Depth), Decays: true),
            new($"{shape.Number}.bias", all, on.Zeros(trials.Length, shape.Width, 1), Decays: false),
            shared: shape.Number == 1 && draws.Length == 1))];
        _hidden = [.. _shapes[..^1].Select((shape, layer) => new HiddenLayer(
            order.Normalised is { } normalised
                ? new BatchNorm(shape.Number, normalised, trials[normalised.Start], shape.Width, shape.Spots * rows, on)
                : null,
            order.NormalisesLast,
            [.. order.Groups.Select(group => MakeGroup(shape, group, Alphas.IsEmpty ? null : Alphas[layer]))]))];

        Learned = [.. _dense.SelectMany(dense => dense.Learned), .. _hidden.SelectMany(layer => layer.Norm?.Learned ?? []), .. Alphas];
        State = [.. Learned, .. _hidden.SelectMany(layer => layer.Norm?.Statistics ?? [])];
        _scale = 1.0 / rows;
        _trainingBuffers = [.. _shapes.Zip(_hidden, (shape, layer) => new TrainingBuffers(shape, layer, trials.Length, rows, on))];
        _evaluationBuffers = [.. _shapes.Zip(_hidden, (shape, layer) => new EvaluationBuffers(shape, layer, trials.Length, evaluationRows, on))];
        _training = new(this, _trainingBuffers, trials.Length, draws.Length, rows, on);
        _evaluation = new(this, _evaluationBuffers, trials.Length, draws.Length, evaluationRows, on);
        // A dense first layer uses the transposed input of the mini-batch.
        _transposed = [.. _shapes.Select(shape => shape is { Number: 1, Image: null } ? default((Tensor, Tensor)?)
            : on.Zeros(shape.Number == 1 ? draws.Length : trials.Length, (long)shape.Spots * rows, shape.Depth) is var buffers
                ? (buffers, buffers.expand(trials.Length, -1, -1)) : null)];
        _outputGradient = on.Zeros(trials.Length, data.Classes, rows);
        if (trials.Any(trial => trial[Parameters.LabelSmoothing] > 0))
            _smoothing = (Column(trial => 1 - trial[Parameters.LabelSmoothing]), Column(trial => trial[Parameters.LabelSmoothing] / data.Classes));
        _tensors = [.. scope.DisposablesView];
        scope.Detach(_tensors);

        Tensor Column(Func<Configuration, double> of) => // [K, 1, 1]
            on.Column(Array.ConvertAll([.. trials], configuration => of(configuration)));

        Group MakeGroup(LayerShape shape, Segment group, Learned? alpha)
        {
            var configurations = trials.Slice(group.Start, group.Count);
            var columns = shape.Spots * rows;
            var activation = Activation.ByName[configurations[0][Parameters.Activation]]
                .Make(new(shape.Number, group, configurations, shape.Width, columns, alpha, _draws, on));
            return new(group, activation, configurations[0][Parameters.Dropout] > 0
                ? new(configurations, _draws.Of(Purpose.Dropout, shape.Number, group, shape.Width, columns))
                : null);
        }
    }

    public ImmutableArray<LayerShape> Shapes => _shapes;

    /// <summary>The weights of each layer, [K, out, in].</summary>
    public IEnumerable<Learned> Weights => _dense.Select(dense => dense.Weight);

    /// <summary>The prelu slope of each hidden layer, [K, 1, 1]; empty where no trial has prelu.</summary>
    public ImmutableArray<Learned> Alphas { get; }

    public ImmutableArray<Learned> Learned { get; }

    /// <summary>The learned tensors and the running statistics.</summary>
    public ImmutableArray<Stacked> State { get; }

    /// <summary>Whether a tensor affects a trial. All trials have space for prelu slopes, but only some use them.</summary>
    public bool IsOf(Stacked stacked, int trial) => !Alphas.Contains(stacked) || _hasAlpha[trial];

    /// <summary>Computes the gradients on one mini-batch.</summary>
    /// <param name="step">Counted from the start of training.</param>
    /// <param name="total">[K], float64. Each trial's summed loss is added to it.</param>
    public void Train(Batch batch, int step, Tensor total)
    {
        _draws.Fill(step);
        Forward(_training, batch, Mode.Training);
        Loss(batch, total);
        Backward(batch, Mode.Training);
    }

    /// <summary>Computes gradients on one mini-batch, without random parts and without changing the network's state.</summary>
    /// <param name="preActivations">Called with each layer's pre-activations, [K, H, columns], from the first to the last.</param>
    /// <param name="slopes">Called with the slopes of each hidden layer's activation, [K, H, columns].</param>
    /// <param name="gradients">Called with the loss gradient at each layer's pre-activations, from the last to the first.</param>
    public void Probe(
        Batch batch, Action<LayerShape, Tensor> preActivations, Action<LayerShape, Tensor> slopes, Action<LayerShape, Tensor> gradients)
    {
        using var total = Placement.Of(batch.X).Sums((int)batch.Labels.shape[0]);
        Forward(_training, batch, Mode.Probing, preActivations);
        for (var layer = 0; layer < _hidden.Length; layer++)
        {
            _hidden[layer].Slopes(_trainingBuffers[layer]);
            slopes(_shapes[layer], _trainingBuffers[layer].Gradient);
        }
        Loss(batch, total);
        Backward(batch, Mode.Probing, gradients);
    }

    /// <summary>The pre-activations of one layer on a mini-batch, as in <see cref="Probe"/>, with the current weights below it.</summary>
    /// <param name="number">The number of the layer.</param>
    /// <returns>[K, H, columns], valid until the next pass.</returns>
    public Tensor PreActivations(Batch batch, int number)
    {
        Tensor? found = null;
        Forward(_training, batch, Mode.Probing, (layer, z) => found = layer.Number == number ? z : null, upTo: number);
        return found!;
    }

    /// <summary>Adds each trial's summed loss and number of correct answers over some rows, in evaluation mode.</summary>
    /// <param name="rows">How many of the batch's rows count. The rest are padding.</param>
    /// <param name="loss">[K], float64.</param>
    /// <param name="right">[K], int64.</param>
    /// <param name="notesOutputs">Whether <see cref="LargestOutputs"/> includes these rows.</param>
    public void Evaluate(Batch batch, int rows, Tensor loss, Tensor right, bool notesOutputs = false)
    {
        Forward(_evaluation, batch, Mode.Evaluation, noted: notesOutputs ? rows : null);
        Kernels.Run("score", _evaluation.Logits, batch.Labels, rows, _evaluation.LogLikelihoods, loss, right);
    }

    /// <summary>
    /// The largest output of each hidden unit over the rows noted since the last call, [K, H, 1] for each layer; NaN where it cannot die.
    /// </summary>
    public void LargestOutputs(Action<LayerShape, Tensor> see)
    {
        for (var layer = 0; layer < _hidden.Length; layer++)
        {
            see(_shapes[layer], _evaluationBuffers[layer].Largest);
            _evaluationBuffers[layer].Forget();
        }
    }

    public void Dispose()
    {
        foreach (var tensor in _tensors)
            tensor.Dispose();
    }

    private void Forward(
        Pass pass, Batch batch, Mode mode, Action<LayerShape, Tensor>? preActivations = null, int? noted = null, int upTo = int.MaxValue)
    {
        for (var layer = 0; layer < _dense.Length; layer++)
        {
            pass.Bridges[layer]?.Forward(batch.Rows);
            _dense[layer].Forward(pass.Inputs[layer] ?? batch.X, pass.Outputs[layer]);
            preActivations?.Invoke(_shapes[layer], pass.Outputs[layer]);
            if (layer + 1 == upTo)
                return;
            if (layer < _hidden.Length)
                _hidden[layer].Forward(pass.Rooms[layer], mode, noted);
        }
    }

    private void Loss(Batch batch, Tensor total)
    {
        if (_smoothing is var (kept, spread))
            Kernels.Run("smooth_softmax_loss", _training.Logits, batch.Labels, batch.Targets, _scale, _training.LogLikelihoods,
                _outputGradient, total, kept, spread);
        else
            Kernels.Run("softmax_loss", _training.Logits, batch.Labels, batch.Targets, _scale, _training.LogLikelihoods,
                _outputGradient, total);
    }

    private void Backward(Batch batch, Mode mode, Action<LayerShape, Tensor>? gradients = null)
    {
        for (var layer = _dense.Length - 1; layer >= 0; layer--)
        {
            if (layer < _hidden.Length)
                _hidden[layer].Backward(_trainingBuffers[layer], mode);
            var gradient = layer < _hidden.Length ? _trainingBuffers[layer].Gradient : _outputGradient;
            gradients?.Invoke(_shapes[layer], gradient);
            if (_transposed[layer] is var (buffers, transposed))
                Kernels.Run("transpose", _training.Inputs[layer]!, buffers);
            else
                transposed = batch.Transposed;
            _dense[layer].Gradient(gradient, transposed);
            if (layer == 0)
                break;
            var bridge = _training.Bridges[layer];
            _dense[layer].Backward(gradient, bridge?.InputGradient ?? _trainingBuffers[layer - 1].Gradient);
            bridge?.Backward();
        }
    }

    /// <summary>Buffers for passes over a number of rows.</summary>
    private sealed class Pass
    {
        public Pass(FusedNetwork network, IReadOnlyList<LayerBuffers> buffers, int trials, int groups, int rows, Placement on)
        {
            Rooms = buffers;
            Logits = on.Zeros(trials, network._shapes[^1].Width, rows);
            LogLikelihoods = zeros_like(Logits);
            Outputs = [.. buffers.Select(buffers => buffers.Output), Logits];
            Bridges = [.. network._shapes.Select((shape, layer) => shape.Image is null && shape.Pooled is null ? null
                : layer == 0 ? new Bridge(shape, groups, rows, on, null, null)
                : new Bridge(shape, trials, rows, on, Outputs[layer - 1], (buffers[layer - 1] as TrainingBuffers)?.Gradient))];
            Inputs = [.. Bridges.Select((bridge, layer) =>
                bridge?.Input.expand(trials, -1, -1) ?? (layer == 0 ? null : Outputs[layer - 1]))];
        }

        public IReadOnlyList<LayerBuffers> Rooms { get; }

        public Tensor[] Outputs { get; } // [K, H, columns]

        public Tensor Logits { get; } // [K, C, rows]

        public Tensor LogLikelihoods { get; }

        public Bridge?[] Bridges { get; }

        /// <summary>The input of each layer, [K, in, columns]; null where it is the mini-batch.</summary>
        public Tensor?[] Inputs { get; }
    }
}
