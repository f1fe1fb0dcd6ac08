using System.Collections.Immutable;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Stacking;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Networks;

/// <summary>The output of a hidden layer for passes over a number of rows, and views of it. Columns are spots x rows.</summary>
internal class LayerBuffers
{
    public LayerBuffers(LayerShape shape, HiddenLayer layer, int trials, int rows, Placement on)
    {
        Output = on.Zeros(trials, shape.Width, shape.Spots * rows);
        Parts = [.. layer.Groups.Select(group => group.Trials.Of(Output))];
        Channels = layer.Norm?.View(Output);
        Padding = shape.Units < shape.Width ? Output.narrow(1, shape.Units, shape.Width - shape.Units) : null;
    }

    /// <summary>[K, H, columns]</summary>
    public Tensor Output { get; }

    public Tensor[] Parts { get; }

    /// <summary>The units of the trials with batch norm, [1, n*H, columns].</summary>
    public Tensor? Channels { get; }

    public Tensor? Padding { get; }
}

/// <summary>Buffers for a forward pass and the backward pass after it.</summary>
internal sealed class TrainingBuffers : LayerBuffers
{
    public TrainingBuffers(LayerShape shape, HiddenLayer layer, int trials, int rows, Placement on)
        : base(shape, layer, trials, rows, on)
    {
        Activations = [.. layer.Groups.Select((group, index) => layer.Overwrites(group) ? zeros_like(Parts[index]) : Parts[index])];
        Gradient = zeros_like(Output);
        GradientParts = [.. layer.Groups.Select(group => group.Trials.Of(Gradient))];
        GradientChannels = layer.Norm?.View(Gradient);
    }

    /// <summary>Copies of the activations' outputs, where dropout or a batch norm overwrites them.</summary>
    public Tensor[] Activations { get; }

    /// <summary>The loss gradient at the output and then at the pre-activations, [K, H, columns].</summary>
    public Tensor Gradient { get; }

    public Tensor[] GradientParts { get; }

    public Tensor? GradientChannels { get; }
}

/// <summary>Buffers for forward passes in evaluation mode.</summary>
internal sealed class EvaluationBuffers : LayerBuffers
{
    private readonly ImmutableArray<(Tensor Outputs, Tensor Largest)> _mortal; // [n, H, spots, rows] and [n, H, 1]

    public EvaluationBuffers(LayerShape shape, HiddenLayer layer, int trials, int rows, Placement on)
        : base(shape, layer, trials, rows, on)
    {
        var byRow = Output.view(trials, shape.Width, shape.Spots, rows);
        Largest = on.Full(double.NaN, trials, shape.Width, 1);
        _mortal = [.. layer.Groups.Where(group => group.Activation.CanDie).Select(group => (group.Trials.Of(byRow), group.Trials.Of(Largest)))];
        Forget();
    }

    /// <summary>The largest output of each unit so far, [K, H, 1]; NaN where it cannot die.</summary>
    public Tensor Largest { get; }

    /// <param name="rows">How many of the rows count. The rest are padding.</param>
    public void NoteLargest(int rows)
    {
        foreach (var (outputs, largest) in _mortal)
            Kernels.Run("note_largest", outputs, rows, largest);
    }

    public void Forget()
    {
        foreach (var (_, largest) in _mortal)
            largest.zero_();
    }
}
