using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training;

/// <summary>The way of libtorch's tensors into safetensors files.</summary>
internal static class TensorFile
{
    /// <exception cref="IOException">It cannot be written.</exception>
    public static void Save(
        string path, IReadOnlyDictionary<string, string> metadata, IEnumerable<(string Name, Tensor Value)> tensors, bool isDurable = true)
    {
        using var scope = NewDisposeScope();
        var byName = tensors.ToDictionary(tensor => tensor.Name, tensor => tensor.Value);
        SafeTensorsWriter.Save(
            path, metadata, [.. byName.Select(tensor => new SafeTensor(tensor.Key, KindOf(tensor.Value), [.. tensor.Value.shape]))],
            // Where a tensor is on another device or a view, its bytes are those of a copy, which the scope keeps until the end.
            tensor => byName[tensor.Name].cpu().contiguous().bytes, isDurable);
    }

    public static NumberKind KindOf(Tensor tensor) => tensor.dtype switch
    {
        ScalarType.Float32 => NumberKind.F32,
        ScalarType.Float64 => NumberKind.F64,
        ScalarType.Int64 => NumberKind.I64,
        var other => throw new NotSupportedException($"{other} is no kind of numbers that is stored."),
    };
}
