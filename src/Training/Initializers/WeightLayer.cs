namespace DeepTrain.Cluster.Training;

/// <summary>
/// A layer whose start weights are wanted, [<see cref="Outputs"/>, <see cref="Columns"/>]: dense, or the kernels of a convolution.
/// </summary>
/// <param name="Number">Counted from 1; the key of its base draws.</param>
/// <param name="Outputs">Units, or channels out.</param>
/// <param name="Inputs">Units below, or channels in.</param>
/// <param name="KernelArea">Of a convolution's kernel; 1 for a dense layer.</param>
/// <param name="IsOutput">Whether it makes the logits, so that no activation follows: its gain is 1.</param>
internal sealed record WeightLayer(int Number, int Outputs, int Inputs, int KernelArea = 1, bool IsOutput = false)
{
    public int Columns => Inputs * KernelArea;

    public int FanIn => Inputs * KernelArea;

    public int FanOut => Outputs * KernelArea;
}
