using System.Security.Cryptography;
using System.Text;
using DeepTrain.Cluster.Training.Files;

namespace DeepTrain.Cluster.Silo.Trainers;

/// <summary>Files whose last line is the SHA-256 of the content before it, so that truncated or changed files are detected.</summary>
internal static class HashedFile
{
    private const string Label = "SHA256 ";
    private const int LastLineLength = 7 + 2 * SHA256.HashSizeInBytes + 1;

    /// <summary>Like <see cref="DurableFile.Write"/>, with the hash as the last line.</summary>
    /// <exception cref="IOException">It cannot be written; the previous file remains.</exception>
    public static void Write(string path, Action<Stream> write) => DurableFile.Write(path, stream =>
    {
        write(stream);
        stream.Position = 0;
        stream.Write(LastLine(SHA256.HashData(stream)));
    });

    /// <summary>Checks the hash and leaves the stream at its beginning.</summary>
    /// <returns>The number of bytes before the last line; null if the content does not match its hash.</returns>
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
