using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace DeepTrain.Cluster.Training.Tests;

/// <summary>Writes .npz files as NumPy does, and as it does not. Needs nothing but the base library, so that other tests can link it.</summary>
internal static class Npz
{
    public static byte[] Of(params (string Name, byte[] Content)[] entries) => Of(CompressionLevel.Optimal, entries);

    public static byte[] Of(CompressionLevel level, params (string Name, byte[] Content)[] entries)
    {
        using var file = new MemoryStream();
        using (var archive = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, content) in entries)
            {
                using var entry = archive.CreateEntry(name, level).Open();
                entry.Write(content);
            }
        }
        return file.ToArray();
    }

    public static byte[] Array(string type, string shape, ReadOnlySpan<byte> values, string fortran = "False", byte version = 1) =>
        WithHeader($"{{'descr': '{type}', 'fortran_order': {fortran}, 'shape': ({shape}), }}", values, version);

    public static byte[] Floats(string shape, params float[] values) =>
        Array("<f4", shape, System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values));

    public static byte[] Longs(string shape, params long[] values) =>
        Array("<i8", shape, System.Runtime.InteropServices.MemoryMarshal.AsBytes<long>(values));

    public static byte[] WithHeader(string header, ReadOnlySpan<byte> values, byte version = 1)
    {
        var before = version == 1 ? 10 : 12;
        var padded = header.PadRight((before + header.Length + 64) / 64 * 64 - before - 1) + "\n";
        byte[] start = [0x93, .. "NUMPY"u8, version, 0, .. new byte[before - 8]];
        if (version == 1)
            BinaryPrimitives.WriteUInt16LittleEndian(start.AsSpan(8), (ushort)padded.Length);
        else
            BinaryPrimitives.WriteInt32LittleEndian(start.AsSpan(8), padded.Length);
        return [.. start, .. Encoding.Latin1.GetBytes(padded), .. values];
    }
}
