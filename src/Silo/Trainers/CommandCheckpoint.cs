using System.Collections.Immutable;
using System.Formats.Tar;
using System.Text;
using System.Text.Json;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Files;

namespace DeepTrain.Cluster.Silo.Trainers;

/// <summary>A command's checkpoint as one file: a line of JSON, the tar of its folder, and an end mark that shows it is complete.</summary>
/// <param name="Epoch">The number of reported epochs.</param>
/// <param name="Lines">The lines that the command had printed beyond them.</param>
internal sealed record CommandCheckpoint(string Format, string Trial, int Epoch, ImmutableArray<string> Lines)
{
    private const string KnownFormat = "deeptrain-command-1";
    private const int LongestHeader = 1 << 24;

    private static readonly byte[] End = "END\n"u8.ToArray();

    /// <exception cref="IOException">It cannot be written, or the folder cannot be read.</exception>
    public static void Save(string path, TrialId trial, int epoch, IEnumerable<byte[]> lines, string folder) => DurableFile.Write(path, stream =>
    {
        JsonSerializer.Serialize(stream, new CommandCheckpoint(KnownFormat, $"{trial}", epoch, [.. lines.Select(Encoding.UTF8.GetString)]));
        stream.WriteByte((byte)'\n');
        TarFile.CreateFromDirectory(folder, stream, includeBaseDirectory: false);
        stream.Write(End);
    });

    /// <summary>Fills a folder with the files of the saved one.</summary>
    /// <exception cref="InvalidDataException">The file is no checkpoint, is damaged, or belongs to another trial.</exception>
    /// <exception cref="IOException">The file does not exist or cannot be read.</exception>
    /// <exception cref="TrainerException">The folder cannot be filled.</exception>
    public static CommandCheckpoint Restore(string path, TrialId trial, string folder)
    {
        using var stream = File.OpenRead(path);
        var checkpoint = ReadHeader(path, stream);
        if (checkpoint.Trial != $"{trial}")
            throw Unusable(path, $"{trial} is not in it");
        try
        {
            TarFile.ExtractToDirectory(stream, folder, overwriteFiles: false);
        }
        catch (Exception broken) when (broken is EndOfStreamException or FormatException)
        {
            throw Unusable(path, broken.Message);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new TrainerException(FailureClass.Infrastructure, $"{folder}: the checkpoint cannot be unpacked there ({error.Message}). Is the disk full?", error);
        }
        return checkpoint;
    }

    private static CommandCheckpoint ReadHeader(string path, FileStream stream)
    {
        Span<byte> end = stackalloc byte[End.Length];
        stream.Seek(Math.Max(0, stream.Length - End.Length), SeekOrigin.Begin);
        if (stream.ReadAtLeast(end, end.Length, throwOnEndOfStream: false) < end.Length || !end.SequenceEqual(End))
            throw Unusable(path, "its end is missing");
        stream.Seek(0, SeekOrigin.Begin);
        using var header = new MemoryStream();
        for (var next = stream.ReadByte(); next is not ('\n' or -1) && header.Length < LongestHeader; next = stream.ReadByte())
            header.WriteByte((byte)next);
        try
        {
            if (JsonSerializer.Deserialize<CommandCheckpoint>(header.ToArray()) is { Format: KnownFormat, Lines.IsDefault: false } read)
                return read;
        }
        catch (JsonException broken)
        {
            throw Unusable(path, broken.Message);
        }
        throw Unusable(path, $"expected the format {KnownFormat}");
    }

    private static InvalidDataException Unusable(string path, string why) => new($"{path}: this checkpoint cannot be resumed from: {why}.");
}
