using System.IO.Compression;
using System.Security.Cryptography;

namespace DeepTrain.Cluster.Training.Data;

/// <summary>Reads the arrays x and y from files of numpy.savez and numpy.savez_compressed.</summary>
internal static class NpzFile
{
    /// <summary>The largest compression ratio of Deflate.</summary>
    private const long MostCompression = 1_032;

    /// <returns>The table, and the SHA-256 of the whole file.</returns>
    /// <exception cref="DataFileException">The file does not contain valid arrays.</exception>
    public static (DataTable Table, string Content) Read(Stream stream)
    {
        var content = Convert.ToHexStringLower(SHA256.HashData(stream));
        stream.Position = 0;
        try
        {
            using var archive = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
            return (Read(archive), content);
        }
        catch (Exception broken) when (broken is InvalidDataException or EndOfStreamException or NotSupportedException)
        {
            throw new DataFileException("this is no zip archive that can be read, or it is damaged or cut off; write it with numpy.savez");
        }
    }

    private static DataTable Read(ZipArchive archive)
    {
        using var x = Open(archive, "x.npy", out var features);
        if (features.Shape.Length < 2 || features.Shape.Contains(0))
            throw new DataFileException("x.npy has no rows of features; expected a shape such as [rows, features], [rows, height, width] or [rows, channels, height, width]");
        var rows = features.Shape[0];
        var width = features.Shape.Skip(1).Aggregate(1L, (product, size) => product * size);
        DataTable.CheckSize(rows, width);

        using var y = Open(archive, "y.npy", out var labels);
        if (!labels.IsInteger)
            throw new DataFileException("y.npy does not hold integers; expected a class for each row: write it with .astype of an integer type");
        if (labels.Shape is not ([_] or [_, 1]))
            throw new DataFileException("y.npy has more than one label for a row; expected a class for each: one-hot labels become classes with .argmax(1)");
        if (labels.Shape[0] != rows)
            throw new DataFileException($"y.npy has {labels.Shape[0]:N0} labels, but x.npy has {rows:N0} rows; expected as many");

        var classOfRow = labels.ReadIntegers();
        var known = classOfRow.Distinct().Order().ToList();
        DataTable.CheckClasses(known.Count, rows);
        var classes = known.Index().ToDictionary(label => label.Item, label => label.Index);
        var info = new DatasetInfo("npz", rows, (int)width, known.Count, "a file of your own")
        {
            Image = features.Shape switch
            {
                [_, var h, var w] => new(1, h, w),
                [_, var c, var h, var w] => new(c, h, w),
                _ => null,
            },
        };
        return new(info, features.ReadNumbers(), [.. classOfRow.Select(label => classes[label])])
        {
            Findings = LabelSpellings.AreManyFor(known.Count, rows)
                ? [DataFinding.Measurements(known.Count, rows, "give y a class for each row, such as 0 for low and 1 for high")]
                : [],
        };
    }

    private static Stream Open(ZipArchive archive, string name, out NpyArray array)
    {
        var entries = archive.Entries.Where(entry => entry.FullName == name).ToList();
        if (entries is not [var entry])
            throw new DataFileException($"expected one array {name[..1]} in the file, found {entries.Count}; write it with numpy.savez(file, x=x, y=y)");
        if (entry.IsEncrypted)
            throw new DataFileException($"{name} is encrypted; expected an archive without a password");
        if (entry.Length > (entry.CompressedLength + 1) * MostCompression)
            throw new DataFileException($"{name} says that it is larger than it can be; the file is damaged");
        var stream = entry.Open();
        try
        {
            array = NpyArray.Open(name, stream, entry.Length);
            return stream;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }
}
