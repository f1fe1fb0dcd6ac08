using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training;

/// <summary>What a hidden layer needs for passes over a number of rows: its output, and views of it. Columns are spots x rows.</summary>
internal class Room
{
    public Room(LayerShape shape, HiddenLayer layer, int trials, int rows, ScalarType type)
    {
        Output = zeros(trials, shape.Width, shape.Spots * rows, type);
        Parts = [.. layer.Groups.Select(group => group.Trials.Of(Output))];
        Channels = layer.Norm?.View(Output);
        Padding = shape.Units < shape.Width ? Output.narrow(1, shape.Units, shape.Width - shape.Units) : null;
    }

    /// <summary>[K, H, columns]</summary>
    public Tensor Output { get; }

    public Tensor[] Parts { get; }

    /// <summary>The units of those with batch norm, [1, n*H, columns].</summary>
    public Tensor? Channels { get; }

    public Tensor? Padding { get; }
}

/// <summary>Room for a forward pass and the backward pass after it.</summary>
internal sealed class TrainingRoom : Room
{
    public TrainingRoom(LayerShape shape, HiddenLayer layer, int trials, int rows, ScalarType type)
        : base(shape, layer, trials, rows, type)
    {
        Activations = [.. layer.Groups.Select((group, index) => layer.Overwrites(group) ? zeros_like(Parts[index]) : Parts[index])];
        Gradient = zeros_like(Output);
        GradientParts = [.. layer.Groups.Select(group => group.Trials.Of(Gradient))];
        GradientChannels = layer.Norm?.View(Gradient);
    }

    /// <summary>What the activations made, which dropout and a batch norm after them overwrite.</summary>
    public Tensor[] Activations { get; }

    /// <summary>The loss gradient at the output and then at the pre-activations, [K, H, columns].</summary>
    public Tensor Gradient { get; }

    public Tensor[] GradientParts { get; }

    public Tensor? GradientChannels { get; }
}

/// <summary>Room for forward passes in evaluation mode.</summary>
internal sealed class EvaluationRoom : Room
{
    private readonly Tensor _byRow; // [K, H, spots, rows]

    public EvaluationRoom(LayerShape shape, HiddenLayer layer, int trials, int rows, ScalarType type)
        : base(shape, layer, trials, rows, type)
    {
        _byRow = Output.view(trials, shape.Width, shape.Spots, rows);
        Largest = zeros(trials, shape.Width, 1, type);
    }

    /// <summary>The largest magnitude that each unit has shown, [K, H, 1].</summary>
    public Tensor Largest { get; }

    /// <param name="rows">How many of the rows count; the rest only fill the batch.</param>
    public void NoteLargest(int rows) => Kernels.Run("note_largest", _byRow, rows, Largest);
}
