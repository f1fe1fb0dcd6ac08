using System.Security.Cryptography;
using System.Text;
using DeepTrain.Cluster.Training.Files;

namespace DeepTrain.Cluster.Silo.Trainers;

/// <summary>Files whose last line is the SHA-256 of what stands before it, by which one is recognised that was cut off or has changed.</summary>
internal static class HashedFile
{
    private const string Label = "SHA256 ";
    private const int LastLineLength = 7 + 2 * SHA256.HashSizeInBytes + 1;

    /// <summary>As <see cref="DurableFile.Write"/>, with the last line added.</summary>
    /// <exception cref="IOException">It cannot be written; what was there before still is.</exception>
    public static void Write(string path, Action<Stream> write) => DurableFile.Write(path, stream =>
    {
        write(stream);
        stream.Position = 0;
        stream.Write(LastLine(SHA256.HashData(stream)));
    });

    /// <summary>Leaves the stream at its beginning.</summary>
    /// <returns>How many bytes stand before the last line; null: they are not what was written.</returns>
    public static long? ContentLength(Stream stream)
    {
        var length = stream.Length - LastLineLength;
        if (length < 0)
            return null;
        stream.Position = 0;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 16];
        for (var rest = length; rest > 0;)
        {
            var read = stream.Read(buffer, 0, (int)Math.Min(rest, buffer.Length));
            if (read == 0)
                return null;
            hash.AppendData(buffer, 0, read);
            rest -= read;
        }
        var last = new byte[LastLineLength];
        stream.ReadExactly(last);
        stream.Position = 0;
        return last.AsSpan().SequenceEqual(LastLine(hash.GetHashAndReset())) ? length : null;
    }

    private static byte[] LastLine(byte[] hash) => Encoding.ASCII.GetBytes($"{Label}{Convert.ToHexStringLower(hash)}\n");
}
