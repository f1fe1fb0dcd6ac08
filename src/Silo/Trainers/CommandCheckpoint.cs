using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Trainers;

/// <summary>A command's checkpoint as one file: a line of JSON, the packed folder, and the hash of both.</summary>
/// <param name="Epoch">The epochs that were reported.</param>
/// <param name="Lines">What the command had printed beyond them.</param>
internal sealed record CommandCheckpoint(string Format, string Trial, int Epoch, ImmutableArray<string> Lines)
{
    private const string KnownFormat = "deeptrain-command-2";

    /// <summary>Of older versions, which had a mark in place of the hash: it tells whether the file is complete, and nothing of its contents.</summary>
    private const string FormatWithoutHash = "deeptrain-command-1";
    private const int LongestHeader = 1 << 24;

    private static readonly byte[] MarkWithoutHash = "END\n"u8.ToArray();

    /// <exception cref="IOException">It cannot be written, or the folder not be packed.</exception>
    public static void Save(string path, TrialId trial, int epoch, IEnumerable<byte[]> lines, string folder) => HashedFile.Write(path, stream =>
    {
        JsonSerializer.Serialize(stream, new CommandCheckpoint(KnownFormat, $"{trial}", epoch, [.. lines.Select(Encoding.UTF8.GetString)]));
        stream.WriteByte((byte)'\n');
        PackedFolder.Pack(new(folder), stream);
    });

    /// <summary>Fills a folder with what the command had in its own.</summary>
    /// <exception cref="InvalidDataException">It is no checkpoint, is damaged, or another trial's.</exception>
    /// <exception cref="IOException">It is not there, or cannot be read.</exception>
    /// <exception cref="TrainerException">The folder cannot be filled.</exception>
    public static CommandCheckpoint Restore(string path, TrialId trial, string folder)
    {
        using var stream = File.OpenRead(path);
        var checkpoint = ReadHeader(path, stream);
        var begin = stream.Position;
        if (!IsWhole(checkpoint.Format, stream))
            throw Unusable(path, "the file is cut off, or its contents have changed since it was written");
        if (checkpoint.Trial != $"{trial}")
            throw Unusable(path, $"it is of {checkpoint.Trial}, not of {trial}");
        stream.Position = begin;
        try
        {
            PackedFolder.Unpack(stream, folder);
        }
        // Without a hash nobody knows whether the archive is at fault or the disk; to start from the beginning is then better than to fail.
        catch (Exception broken) when (broken is InvalidDataException || checkpoint.Format == FormatWithoutHash)
        {
            throw Unusable(path, broken.Message);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new TrainerException(FailureClass.Infrastructure,
                $"{folder}: the checkpoint cannot be unpacked into this temporary folder ({error.Message}). Is the disk full?", error);
        }
        return checkpoint;
    }

    private static CommandCheckpoint ReadHeader(string path, FileStream stream)
    {
        using var header = new MemoryStream();
        for (var next = stream.ReadByte(); next is not ('\n' or -1) && header.Length < LongestHeader; next = stream.ReadByte())
            header.WriteByte((byte)next);
        try
        {
            if (JsonSerializer.Deserialize<CommandCheckpoint>(header.ToArray()) is { Format: KnownFormat or FormatWithoutHash, Lines.IsDefault: false } read)
                return read;
        }
        catch (JsonException broken)
        {
            throw Unusable(path, $"its first line is no JSON ({broken.Message})");
        }
        throw Unusable(path, $"its format is not {KnownFormat}");
    }

    private static bool IsWhole(string format, FileStream stream)
    {
        if (format == KnownFormat)
            return HashedFile.ContentLength(stream) is not null;
        Span<byte> mark = stackalloc byte[MarkWithoutHash.Length];
        stream.Position = Math.Max(0, stream.Length - mark.Length);
        return stream.ReadAtLeast(mark, mark.Length, throwOnEndOfStream: false) == mark.Length && mark.SequenceEqual(MarkWithoutHash);
    }

    private static InvalidDataException Unusable(string path, string why) => new($"{path}: this checkpoint cannot be resumed: {why}.");
}
