using System.Security.Cryptography;
using System.Text.Json;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Checkpoints;

/// <summary>The SHA-256 of a checkpoint's metadata and tensors, which detects damaged files.</summary>
internal static class CheckpointHash
{
    /// <summary>The metadata key of the hash, the only one that the hash does not cover.</summary>
    public const string Key = "sha256";

    private const int PartLength = 1 << 20;

    /// <summary>The hash of data to be written.</summary>
    /// <param name="tensors">Contiguous, in the processor's memory.</param>
    public static string Of(IReadOnlyDictionary<string, string> metadata, IEnumerable<(string Name, Tensor Value)> tensors)
    {
        using var hash = Begin(metadata);
        foreach (var (name, value) in tensors.OrderBy(tensor => tensor.Name, StringComparer.Ordinal))
        {
            Append(hash, new SafeTensor(name, TensorFile.KindOf(value), [.. value.shape]));
            using var numbers = value.reshape(-1);
            for (var begin = 0L; begin < numbers.shape[0]; begin += PartLength)
            {
                using var part = numbers.narrow(0, begin, Math.Min(PartLength, numbers.shape[0] - begin));
                hash.AppendData(part.bytes);
            }
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The hash of a file's content.</summary>
    public static string Of(SafeTensorsFile file)
    {
        using var hash = Begin(file.Metadata);
        var buffer = new byte[PartLength];
        foreach (var tensor in file.Tensors.Values.OrderBy(tensor => tensor.Name, StringComparer.Ordinal))
        {
            Append(hash, tensor);
            for (var begin = 0L; begin < tensor.Length; begin += buffer.Length)
            {
                var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, tensor.Length - begin));
                file.Read(tensor.Name, begin, part);
                hash.AppendData(part);
            }
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static IncrementalHash Begin(IReadOnlyDictionary<string, string> metadata)
    {
        var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (key, value) in metadata.Where(entry => entry.Key != Key).OrderBy(entry => entry.Key, StringComparer.Ordinal))
            hash.AppendData(JsonSerializer.SerializeToUtf8Bytes(new[] { key, value }));
        return hash;
    }

    private static void Append(IncrementalHash hash, SafeTensor tensor) =>
        hash.AppendData(JsonSerializer.SerializeToUtf8Bytes(new { tensor.Name, tensor.Kind, tensor.Shape }));
}
