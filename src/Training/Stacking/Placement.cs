using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Stacking;

/// <summary>The number type and the device of a network's tensors. Creates tensors.</summary>
internal sealed record Placement(ScalarType Type, Device Device)
{
    /// <summary>Tensors in the processor's memory.</summary>
    public static Placement OnCpu(ScalarType type = ScalarType.Float32) => new(type, CPU);

    /// <summary>The number type and device of another tensor.</summary>
    public static Placement Of(Tensor tensor) => new(tensor.dtype, tensor.device);

    public Tensor Zeros(params ReadOnlySpan<long> shape) => zeros(shape, Type, Device);

    public Tensor Ones(params ReadOnlySpan<long> shape) => ones(shape, Type, Device);

    public Tensor Full(double value, params ReadOnlySpan<long> shape) => full(shape, value, Type, Device);

    /// <summary>One number for each trial, [K, 1, 1].</summary>
    public Tensor Column(double[] numbers) => tensor(numbers, Type, Device).view(-1, 1, 1);

    /// <summary>One sum for each trial, [K], float64, initially 0.</summary>
    public Tensor Sums(int trials) => zeros(trials, ScalarType.Float64, Device);

    /// <summary>One count for each trial, [K], int64, initially 0.</summary>
    public Tensor Counts(int trials) => zeros(trials, ScalarType.Int64, Device);

    /// <summary>Indices of rows or positions, int64.</summary>
    public Tensor Places(long[] places, params ReadOnlySpan<long> shape) => tensor(places, shape, ScalarType.Int64, Device);
}
