using System.Buffers.Binary;
using System.Text.Json;
using DeepTrain.Cluster.Training.Files;

namespace DeepTrain.Cluster.Training.Checkpoints;

/// <summary>Writes safetensors files, which PyTorch, JAX and others read: https://huggingface.co/docs/safetensors.</summary>
public static class SafeTensorsWriter
{
    private const int Alignment = 8;

    /// <summary>Writes a whole file or none, and creates its folder if needed.</summary>
    /// <param name="tensors">Their names must be distinct.</param>
    /// <param name="content">Writes all bytes of the given tensor, in any number of parts. Called once for each tensor.</param>
    /// <param name="isDurable">See <see cref="DurableFile.Write"/>.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Save(
        string path, IReadOnlyDictionary<string, string> metadata, IReadOnlyCollection<SafeTensor> tensors, Action<SafeTensor, Stream> content,
        bool isDurable = true) =>
        DurableFile.Write(path, stream => Write(stream, metadata, tensors, content), isDurable);

    internal static void Write(
        Stream stream, IReadOnlyDictionary<string, string> metadata, IReadOnlyCollection<SafeTensor> tensors, Action<SafeTensor, Stream> content)
    {
        // Wide numbers come first, so that every tensor starts at a multiple of the length of its numbers.
        var ordered = tensors.OrderByDescending(tensor => SafeTensor.ElementLength(tensor.Kind)).ToList();
        var header = Header(metadata, ordered);
        Span<byte> length = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        stream.Write(length);
        stream.Write(header);
        foreach (var tensor in ordered)
        {
            var start = stream.Position;
            content(tensor, stream);
            if (stream.Position - start != tensor.Length)
                throw new ArgumentException($"{tensor.Name} has {stream.Position - start} bytes; its shape needs {tensor.Length}.", nameof(content));
        }
    }

    private static byte[] Header(IReadOnlyDictionary<string, string> metadata, IReadOnlyList<SafeTensor> tensors)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject(SafeTensorsFile.MetadataKey);
            foreach (var (key, value) in metadata.OrderBy(entry => entry.Key, StringComparer.Ordinal))
                json.WriteString(key, value);
            json.WriteEndObject();
            var offset = 0L;
            foreach (var tensor in tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", $"{tensor.Kind}");
                json.WriteStartArray("shape");
                foreach (var size in tensor.Shape)
                    json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += tensor.Length);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        while (buffer.Length % Alignment != 0)
            buffer.WriteByte((byte)' ');
        return buffer.ToArray();
    }
}
