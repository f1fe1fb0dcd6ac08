using System.Security.Cryptography;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Files;

namespace DeepTrain.Cluster.Training.Data;

/// <summary>
/// Data files of submitted sweeps, copied into the data folder and named by their SHA-256. So a sweep always trains on the data that it
/// was submitted with, even if the original is moved or changed.
/// </summary>
public static class KeptFiles
{
    private const string Remedy = "To have it kept again, run the sweep's file again.";

    /// <summary>Keeps a complete copy, or none. If it exists, only its time is updated, so that it is not removed as outdated.</summary>
    /// <exception cref="IOException">The file cannot be copied, or its content has changed.</exception>
    public static void Keep(string file, string content, string folder, TimeProvider time)
    {
        var kept = Path.Combine(folder, content);
        if (File.Exists(kept) && TryRenew(kept, time))
            return;
        DurableFile.Write(kept, copy =>
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            using var original = File.OpenRead(file);
            var buffer = new byte[1 << 16];
            while (original.Read(buffer) is > 0 and var read)
            {
                copy.Write(buffer, 0, read);
                hash.AppendData(buffer, 0, read);
            }
            if (Convert.ToHexStringLower(hash.GetHashAndReset()) != content)
                throw new IOException($"{file} has changed while it was read. Run the command again when nobody writes to it.");
        });
    }

    /// <summary>False where the file belongs to another account and must be written again.</summary>
    private static bool TryRenew(string kept, TimeProvider time)
    {
        try
        {
            File.SetLastWriteTimeUtc(kept, time.GetUtcNow().UtcDateTime);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Reads the kept data file of a configuration.</summary>
    internal static DataTable Read(string dataset, string? content, string? labelColumn, DatasetSources sources)
    {
        if (content is null || sources.Kept is null)
            throw new TrainerException(FailureClass.BadData,
                $"dataset: {(content is null ? $"'{dataset}' was submitted without what its file holds" : "this process keeps no data files")}. {Remedy}");
        var path = Path.Combine(sources.Kept, content);
        try
        {
            var (table, found) = Read(path, dataset, labelColumn);
            return found == content ? table : throw new DataFileException("the file has changed since the sweep was submitted");
        }
        catch (Exception broken) when (broken is DataFileException or IOException or UnauthorizedAccessException)
        {
            var (trouble, remedy) = broken is DataFileException ? (broken.Message, $"Remove it. {Remedy}")
                : File.Exists(path) ? (broken.Message.TrimEnd('.'), "Can this account read it?")
                : ("the data file of the sweep is not there", $"Is the data folder mounted here? {Remedy}");
            throw new TrainerException(DataFileException.FailureClassOf(broken), $"{path}: {trouble}. {remedy}", broken);
        }
    }

    /// <exception cref="DataFileException">The file is not a valid data file.</exception>
    internal static (DataTable Table, string Content) Read(string path, string dataset, string? labelColumn)
    {
        using var stream = File.OpenRead(path);
        // The file is read twice: once to check it, and once to copy it.
        if (!stream.CanSeek)
            throw new DataFileException("this is a pipe or a device; expected a file that can be read again: save the data to a file and name that");
        return dataset switch
        {
            "csv" => CsvFile.Read(stream, labelColumn),
            "npz" => NpzFile.Read(stream),
            _ => throw Unknown(dataset),
        };
    }

    /// <summary>The position of a value in a CSV file that was read before; 0 and 0 where the file has changed.</summary>
    internal static (int Line, int Column) PlaceOf(string path, string? labelColumn, int row, int feature)
    {
        using var stream = File.OpenRead(path);
        return CsvFile.PlaceOf(stream, labelColumn, row, feature);
    }

    private static TrainerException Unknown(string name) => new(FailureClass.BadData,
        $"dataset: '{name}' is none that this version has; expected one of {string.Join(", ", Parameters.Dataset.Choices)}.");
}
