using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Checkpoints;

/// <summary>Copies libtorch's tensors to and from safetensors files in parts, because no span holds more than 2 GiB.</summary>
internal static class TensorFile
{
    /// <summary>The largest part to write or read at once, in bytes.</summary>
    public const long LongestPart = 1 << 26;

    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Save(
        string path, IReadOnlyDictionary<string, string> metadata, IEnumerable<(string Name, Tensor Value)> tensors, bool isDurable = true)
    {
        var byName = tensors.ToDictionary(tensor => tensor.Name, tensor => tensor.Value);
        SafeTensorsWriter.Save(
            path, metadata, [.. byName.Select(tensor => new SafeTensor(tensor.Key, KindOf(tensor.Value), [.. tensor.Value.shape]))],
            (tensor, stream) => Write(byName[tensor.Name], stream), isDurable);
    }

    /// <summary>Writes a tensor's numbers in row-major order. Tensors on other devices and views are copied part by part.</summary>
    public static void Write(Tensor tensor, Stream stream, long longestPart = LongestPart)
    {
        using var scope = NewDisposeScope();
        foreach (var part in Parts(tensor, longestPart))
        {
            using var copies = NewDisposeScope();
            stream.Write(part.cpu().contiguous().bytes);
        }
    }

    /// <summary>Fills a tensor with the bytes of a file's tensor, starting at <paramref name="offset"/>.</summary>
    /// <param name="tensor">Contiguous, in the processor's memory.</param>
    public static void Read(SafeTensorsFile file, string name, long offset, Tensor tensor, long longestPart = LongestPart)
    {
        using var scope = NewDisposeScope();
        foreach (var part in Parts(tensor, longestPart))
        {
            var bytes = part.bytes;
            file.Read(name, offset, bytes);
            offset += bytes.Length;
        }
    }

    public static NumberKind KindOf(Tensor tensor) => tensor.dtype switch
    {
        ScalarType.Float32 => NumberKind.F32,
        ScalarType.Float64 => NumberKind.F64,
        ScalarType.Int64 => NumberKind.I64,
        var other => throw new NotSupportedException($"{other} is no kind of numbers that is stored."),
    };

    /// <summary>Views that make up a tensor in row-major order. Each has at most the given bytes, or a single number.</summary>
    internal static IEnumerable<Tensor> Parts(Tensor tensor, long longestPart)
    {
        var length = tensor.numel() * tensor.element_size();
        if (length <= longestPart || tensor.dim() == 0)
        {
            yield return tensor;
            yield break;
        }
        var rows = tensor.shape[0];
        var rowsOfAPart = Math.Max(1, longestPart / (length / rows));
        for (var row = 0L; row < rows; row += rowsOfAPart)
        {
            // A single row may still be too large.
            foreach (var part in rowsOfAPart == 1 ? Parts(tensor[row], longestPart) : [tensor.narrow(0, row, Math.Min(rowsOfAPart, rows - row))])
                yield return part;
        }
    }
}
