using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Stacking;

/// <summary>The numbers that a network is made of and the device that they lie on: makes its tensors.</summary>
internal sealed record Placement(ScalarType Type, Device Device)
{
    /// <summary>On the processor.</summary>
    public static Placement OnCpu(ScalarType type = ScalarType.Float32) => new(type, CPU);

    /// <summary>Where another tensor is, and of its numbers.</summary>
    public static Placement Of(Tensor tensor) => new(tensor.dtype, tensor.device);

    public Tensor Zeros(params ReadOnlySpan<long> shape) => zeros(shape, Type, Device);

    public Tensor Ones(params ReadOnlySpan<long> shape) => ones(shape, Type, Device);

    public Tensor Full(double value, params ReadOnlySpan<long> shape) => full(shape, value, Type, Device);

    /// <summary>A number for each trial, [K, 1, 1].</summary>
    public Tensor Column(double[] numbers) => tensor(numbers, Type, Device).view(-1, 1, 1);

    /// <summary>A sum for each trial, [K], float64.</summary>
    public Tensor Sums(int trials) => zeros(trials, ScalarType.Float64, Device);

    /// <summary>A count for each trial, [K], int64.</summary>
    public Tensor Counts(int trials) => zeros(trials, ScalarType.Int64, Device);

    /// <summary>Numbers of rows or places, int64.</summary>
    public Tensor Places(long[] places, params ReadOnlySpan<long> shape) => tensor(places, shape, ScalarType.Int64, Device);
}
