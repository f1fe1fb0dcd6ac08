using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text.Json;

namespace DeepTrain.Cluster.Training.Checkpoints;

/// <summary>A safetensors file, open for reading. Opening it checks the whole header; tensors are read on demand.</summary>
/// <remarks>
/// It is strict: the tensors must fill the file without gap or overlap. Allocations never depend on sizes that a file merely claims:
/// a header cannot be longer than the file, and the caller provides the memory for tensors.
/// </remarks>
public sealed class SafeTensorsFile : IDisposable
{
    internal const string MetadataKey = "__metadata__";

    /// <summary>The limit that the format sets for headers.</summary>
    private const long LongestHeader = 100_000_000;

    private static readonly ImmutableArray<NumberKind> Kinds = [.. Enum.GetValues<NumberKind>()];

    private readonly FileStream _stream;
    private readonly Dictionary<string, long> _offsets;

    private SafeTensorsFile(FileStream stream)
    {
        _stream = stream;
        var (header, data) = ReadHeader();
        using (header)
        {
            try
            {
                (Metadata, Tensors, _offsets) = Describe(header.RootElement, stream.Length - data);
            }
            catch (InvalidOperationException)
            {
                throw Broken("a text in the header is no Unicode");
            }
        }
        foreach (var name in Tensors.Keys)
            _offsets[name] += data;
    }

    public ImmutableDictionary<string, string> Metadata { get; }

    /// <summary>The tensors by name.</summary>
    public ImmutableDictionary<string, SafeTensor> Tensors { get; }

    /// <exception cref="InvalidDataException">The file is damaged or not a safetensors file; the message says where and why.</exception>
    /// <exception cref="IOException">The file does not exist or cannot be read.</exception>
    public static SafeTensorsFile Open(string path)
    {
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        try
        {
            return new(stream);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Reads part of a tensor's bytes, as much as <paramref name="bytes"/> holds.</summary>
    /// <param name="offset">The first byte within the tensor.</param>
    public void Read(string name, long offset, Span<byte> bytes)
    {
        if (offset < 0 || offset + bytes.Length > Tensors[name].Length)
            throw new ArgumentOutOfRangeException(nameof(offset));
        _stream.Position = _offsets[name] + offset;
        _stream.ReadExactly(bytes);
    }

    public void Dispose() => _stream.Dispose();

    private (JsonDocument Header, long Data) ReadHeader()
    {
        Span<byte> start = stackalloc byte[sizeof(long)];
        if (_stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) < start.Length)
            throw Broken($"the file has {_stream.Length} bytes; expected a header's length in the first 8");
        var length = BinaryPrimitives.ReadInt64LittleEndian(start);
        if (length < 0 || length > Math.Min(LongestHeader, _stream.Length - start.Length))
            throw Broken($"the header's length {unchecked((ulong)length)} is more than the file holds, or than any header has");
        var text = new byte[length];
        _stream.ReadExactly(text);
        if (length == 0 || text[0] != '{')
            throw Broken("the header is no JSON object");
        try
        {
            return (JsonDocument.Parse(text, new() { AllowDuplicateProperties = false, MaxDepth = 8 }), start.Length + length);
        }
        // Half of a surrogate pair causes an InvalidOperationException.
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw Broken($"the header is no JSON: {error.Message}");
        }
    }

    private (ImmutableDictionary<string, string>, ImmutableDictionary<string, SafeTensor>, Dictionary<string, long>) Describe(
        JsonElement header, long dataLength)
    {
        var metadata = ImmutableDictionary<string, string>.Empty;
        var found = new List<(SafeTensor Tensor, long Begin, long End)>();
        foreach (var entry in header.EnumerateObject())
        {
            if (entry.Name == MetadataKey)
                metadata = ReadMetadata(entry.Value);
            else
                found.Add(ReadTensor(entry.Name, entry.Value));
        }
        var end = 0L;
        foreach (var tensor in found.OrderBy(tensor => tensor.Begin).ThenBy(tensor => tensor.End))
        {
            if (tensor.Begin != end)
                throw Broken($"'{tensor.Tensor.Name}' begins at byte {tensor.Begin} of the data; expected {end}, where the one before it ends");
            end = tensor.End;
        }
        if (end != dataLength)
            throw Broken($"the tensors have {end} bytes and the file has {dataLength} for them; it is cut off or has more behind it");
        return (metadata, found.ToImmutableDictionary(tensor => tensor.Tensor.Name, tensor => tensor.Tensor),
            found.ToDictionary(tensor => tensor.Tensor.Name, tensor => tensor.Begin));
    }

    private ImmutableDictionary<string, string> ReadMetadata(JsonElement value) =>
        value.ValueKind is JsonValueKind.Object && value.EnumerateObject().All(entry => entry.Value.ValueKind is JsonValueKind.String)
            ? value.EnumerateObject().ToImmutableDictionary(entry => entry.Name, entry => entry.Value.GetString()!)
            : throw Broken($"'{MetadataKey}' is no object of texts");

    private (SafeTensor Tensor, long Begin, long End) ReadTensor(string name, JsonElement value)
    {
        if (value.ValueKind is not JsonValueKind.Object || value.GetPropertyCount() != 3
            || !value.TryGetProperty("dtype", out var kind) || !value.TryGetProperty("shape", out var shape)
            || !value.TryGetProperty("data_offsets", out var offsets))
            throw Broken($"'{name}' is no object of dtype, shape and data_offsets");
        if (Kinds.Where(each => kind.ValueKind is JsonValueKind.String && kind.ValueEquals($"{each}")).ToList() is not [var known])
            throw Broken($"'{name}' has another kind of numbers than {string.Join(", ", Kinds)}");
        if (ReadSizes(shape) is not { } sizes)
            throw Broken($"'{name}' has no list of sizes as its shape");
        if (ReadSizes(offsets) is not [var begin, var end] || begin > end)
            throw Broken($"'{name}' has no begin and end as its data_offsets");
        var tensor = new SafeTensor(name, known, sizes);
        try
        {
            if (tensor.Length == end - begin)
                return (tensor, begin, end);
        }
        catch (OverflowException)
        {
            // Such a tensor is too large for any file.
        }
        throw Broken($"'{name}' has {end - begin} bytes, which is not what its shape needs");
    }

    /// <summary>Null if the element is not a list of whole numbers from 0 up.</summary>
    private static ImmutableArray<long>? ReadSizes(JsonElement list)
    {
        if (list.ValueKind is not JsonValueKind.Array)
            return null;
        var sizes = ImmutableArray.CreateBuilder<long>(list.GetArrayLength());
        foreach (var item in list.EnumerateArray())
        {
            if (item.ValueKind is not JsonValueKind.Number || !item.TryGetInt64(out var size) || size < 0)
                return null;
            sizes.Add(size);
        }
        return sizes.MoveToImmutable();
    }

    private InvalidDataException Broken(string what) => new($"{_stream.Name}: this is no safetensors file, or it is damaged: {what}.");
}
