using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.RegularExpressions;

namespace DeepTrain.Cluster.Training.Data;

/// <summary>An array in NumPy's format (.npy, versions 1 to 3): its header, and its values in C order.</summary>
/// <param name="kind">NumPy's code: <c>f4</c>, <c>u1</c>, <c>i8</c>, ...</param>
internal sealed partial class NpyArray(string name, Stream stream, string kind, ImmutableArray<int> shape)
{
    private const int MostHeaderBytes = 1 << 14;
    private const int ChunkValues = 1 << 14;

    private static readonly ImmutableArray<string> Kinds = ["f4", "f8", "f2", "u1", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "b1"];

    public ImmutableArray<int> Shape => shape;

    public bool IsInteger => kind[0] is 'i' or 'u' or 'b';

    /// <summary>Reads the header and checks it against the number of bytes.</summary>
    /// <param name="bytes">The length of header and values together.</param>
    /// <exception cref="DataFileException">The array is invalid or not supported.</exception>
    public static NpyArray Open(string name, Stream stream, long bytes)
    {
        Span<byte> start = stackalloc byte[12];
        Fill(name, stream, start[..10]);
        if (!start[..6].SequenceEqual((ReadOnlySpan<byte>)[0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y']))
            throw new DataFileException($"{name} is no array of NumPy; write the file with numpy.savez");
        var isShort = start[6] == 1;
        if (start[6] is < 1 or > 3)
            throw new DataFileException($"{name} is of a version of NumPy's format that is not known; expected 1, 2 or 3");
        if (!isShort)
            Fill(name, stream, start[10..]);
        var length = isShort ? BinaryPrimitives.ReadUInt16LittleEndian(start[8..]) : BinaryPrimitives.ReadUInt32LittleEndian(start[8..]);
        if (length > MostHeaderBytes)
            throw new DataFileException($"{name} has a header of {length:N0} bytes; expected at most {MostHeaderBytes:N0}");
        var header = new byte[length];
        Fill(name, stream, header);
        if (Header().Match(Encoding.Latin1.GetString(header)) is not { Success: true } match)
            throw new DataFileException($"{name} has a header that cannot be read; expected numbers in one array, written with numpy.savez");

        var kind = match.Groups["kind"].Value;
        if (!Kinds.Contains(kind))
            throw new DataFileException($"{name} does not hold plain numbers; expected one of the types float32, float64, float16, bool, or integers of 8 to 64 bits");
        if (match.Groups["order"].Value == ">")
            throw new DataFileException($"{name} is big-endian; write it with .astype of a little-endian type");
        if (match.Groups["fortran"].Value == "True")
            throw new DataFileException($"{name} is in Fortran order; write it with numpy.ascontiguousarray");
        var sizes = match.Groups["shape"].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(size => BigInteger.Parse(size, CultureInfo.InvariantCulture)).ToList();
        var expected = sizes.Aggregate((BigInteger)kind[1] - '0', (product, size) => product * size) + length + (isShort ? 10 : 12);
        if (expected != bytes)
            throw new DataFileException($"{name} has {bytes:N0} bytes, but its shape asks for {(expected > long.MaxValue ? "far more" : $"{expected:N0}")}; the file is damaged or cut off");
        return sizes.Exists(size => size > int.MaxValue)
            ? throw new DataFileException($"{name} has an empty shape of impossible size")
            : new(name, stream, kind, [.. sizes.Select(size => (int)size)]);
    }

    /// <exception cref="DataFileException">A value is not finite.</exception>
    public float[] ReadNumbers()
    {
        var numbers = new float[Count];
        ReadChunks((values, at) =>
        {
            for (var i = 0; i * Width < values.Length; i++)
            {
                var number = (float)Number(values[(i * Width)..]);
                if (!float.IsFinite(number))
                    throw new DataFileException($"{name}: row {(at + i) / (numbers.Length / shape[0]):N0}, counted from 0, holds a number that is not finite as float32; expected finite numbers");
                numbers[at + i] = number;
            }
        });
        return numbers;
    }

    /// <summary>Reads an array of integers. Values outside int64 are taken modulo 2^64, which keeps them distinct.</summary>
    public long[] ReadIntegers()
    {
        var integers = new long[Count];
        ReadChunks((values, at) =>
        {
            for (var i = 0; i * Width < values.Length; i++)
                integers[at + i] = Integer(values[(i * Width)..]);
        });
        return integers;
    }

    private int Width => kind[1] - '0';

    private int Count => shape.Aggregate(1, (product, size) => product * size);

    private double Number(ReadOnlySpan<byte> value) => kind switch
    {
        "f2" => (double)BinaryPrimitives.ReadHalfLittleEndian(value),
        "f4" => BinaryPrimitives.ReadSingleLittleEndian(value),
        "f8" => BinaryPrimitives.ReadDoubleLittleEndian(value),
        "u8" => BinaryPrimitives.ReadUInt64LittleEndian(value),
        _ => Integer(value),
    };

    private long Integer(ReadOnlySpan<byte> value) => kind switch
    {
        "u1" or "b1" => value[0],
        "i1" => (sbyte)value[0],
        "u2" => BinaryPrimitives.ReadUInt16LittleEndian(value),
        "i2" => BinaryPrimitives.ReadInt16LittleEndian(value),
        "u4" => BinaryPrimitives.ReadUInt32LittleEndian(value),
        "i4" => BinaryPrimitives.ReadInt32LittleEndian(value),
        _ => BinaryPrimitives.ReadInt64LittleEndian(value),
    };

    private void ReadChunks(Action<ReadOnlySpan<byte>, int> use)
    {
        var chunk = new byte[ChunkValues * Width];
        for (var at = 0; at < Count; at += ChunkValues)
        {
            var values = chunk.AsSpan(0, Math.Min(ChunkValues, Count - at) * Width);
            Fill(name, stream, values);
            use(values, at);
        }
    }

    private static void Fill(string name, Stream stream, Span<byte> bytes)
    {
        if (stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
            throw new DataFileException($"{name} is cut off");
    }

    [GeneratedRegex(@"\A\{'descr': '(?<order>[<>|=]?)(?<kind>[a-zA-Z]\d{1,4})', 'fortran_order': (?<fortran>True|False), 'shape': \((?<shape>(\d{1,20}, ?)*(\d{1,20})?)\),? *\} *\n\z",
        RegexOptions.CultureInvariant)]
    private static partial Regex Header();
}
