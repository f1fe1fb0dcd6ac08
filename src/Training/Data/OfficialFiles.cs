using System.Buffers.Binary;
using System.Collections.Immutable;
using System.IO.Compression;
using System.Security.Cryptography;
using DeepTrain.Cluster.Sweeps.Trainers;

namespace DeepTrain.Cluster.Training.Data;

/// <summary>One file of a published data set, in the IDX format, gzipped or not.</summary>
/// <param name="Shape">[rows] for labels, or [rows, height, width] for images.</param>
/// <param name="Content">SHA-256 of the uncompressed file.</param>
internal sealed record OfficialFile(string Name, ImmutableArray<int> Shape, string Content)
{
    public int Values => Shape.Aggregate(1, (product, size) => product * size);
}

/// <summary>The files of fashion-mnist and mnist. Their content is fixed, so their names identify them.</summary>
/// <remarks>
/// The hashes of fashion-mnist are from Debian's package dataset-fashion-mnist 0.0~git20200523; those of mnist are the ones that
/// several independent projects publish for the uncompressed files.
/// </remarks>
internal static class OfficialFiles
{
    private const int UnsignedBytes = 0x08;
    private const float MaximumPixel = 255;

    private static readonly ImmutableArray<int> TrainShape = [60_000, 28, 28];
    private static readonly ImmutableArray<int> TestShape = [10_000, 28, 28];

    private static readonly ImmutableDictionary<string, (string Url, ImmutableArray<OfficialFile> Files)> Sets =
        ImmutableDictionary.CreateRange<string, (string, ImmutableArray<OfficialFile>)>(
        [
            new("fashion-mnist", ("https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/", Files(
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"))),
            new("mnist", ("https://storage.googleapis.com/cvdf-datasets/mnist/", Files(
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"))),
        ]);

    public static bool Has(string name) => Sets.ContainsKey(name);

    public static ImmutableArray<OfficialFile> Of(string name) => Sets[name].Files;

    /// <summary>The path of each file; null where it must be downloaded.</summary>
    public static ImmutableArray<string?> Find(string name, DatasetSources sources) =>
        [.. Of(name).Select(file => Find(name, file, sources))];

    /// <summary>Reads a whole data set and downloads missing files.</summary>
    /// <param name="tell">Receives progress messages of downloads.</param>
    /// <exception cref="TrainerException">A file is not available, or has other content than expected.</exception>
    public static DataTable Read(DatasetInfo info, DatasetSources sources, Action<string> tell, CancellationToken cancellation)
    {
        var (url, files) = Sets[info.Name];
        var contents = files.Select(file => Find(info.Name, file, sources) is { } path
            ? ReadFile(path, file)
            : Download.Fetch(new(url + file.Name + ".gz"), Path.Combine(sources.Cache, info.Name), info.Name, file, sources, tell, cancellation)).ToList();
        var features = new float[info.Rows * info.Features];
        Scale(contents[0], features);
        Scale(contents[2], features.AsSpan(contents[0].Length));
        return new(info, features, [.. contents[1].Concat(contents[3]).Select(label => (int)label)]);
    }

    private static void Scale(byte[] pixels, Span<float> features)
    {
        for (var i = 0; i < pixels.Length; i++)
            features[i] = pixels[i] / MaximumPixel;
    }

    /// <summary>Reads the values in a file and checks its header and hash.</summary>
    public static byte[] ReadFile(string path, OfficialFile file)
    {
        try
        {
            using var stream = File.OpenRead(path);
            return Read(stream, file);
        }
        catch (Exception broken) when (broken is DataFileException or IOException or UnauthorizedAccessException)
        {
            throw new TrainerException(DataFileException.FailureClassOf(broken), broken is DataFileException
                ? $"{path}: {broken.Message}. Remove it, or replace it with the original."
                : $"{path} cannot be read: {broken.Message}", broken);
        }
    }

    /// <exception cref="DataFileException">The content is not that of the official file.</exception>
    public static byte[] Read(Stream stream, OfficialFile file)
    {
        Span<byte> magic = stackalloc byte[2];
        var isGzipped = stream.ReadAtLeast(magic, 2, throwOnEndOfStream: false) == 2 && magic is [0x1f, 0x8b];
        stream.Position = 0;
        try
        {
            if (!isGzipped)
                return ReadPlain(stream, file);
            using var unzipped = new GZipStream(stream, CompressionMode.Decompress, leaveOpen: true);
            return ReadPlain(unzipped, file);
        }
        catch (InvalidDataException)
        {
            throw new DataFileException("the file is not gzipped as it says, or it is damaged");
        }
    }

    private static byte[] ReadPlain(Stream stream, OfficialFile file)
    {
        var header = new byte[4 + 4 * file.Shape.Length];
        Fill(stream, header);
        if (header is not [0, 0, _, _, ..])
            throw new DataFileException("this is no IDX file; expected two zeros at its start");
        if (header[2] != UnsignedBytes || header[3] != file.Shape.Length)
            throw new DataFileException($"the file does not hold unsigned bytes in {file.Shape.Length} dimensions; is it {file.Name}?");
        for (var i = 0; i < file.Shape.Length; i++)
        {
            if (BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(4 + 4 * i)) != file.Shape[i])
                throw new DataFileException($"the file is not of the shape {string.Join(" x ", file.Shape)}; is it {file.Name}?");
        }
        var values = new byte[file.Values];
        Fill(stream, values);
        if (stream.ReadByte() >= 0)
            throw new DataFileException("the file goes on after its last value; it is damaged");
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(header);
        hash.AppendData(values);
        return Convert.ToHexStringLower(hash.GetHashAndReset()) == file.Content
            ? values
            : throw new DataFileException("the file is not the published one: its SHA-256 differs");
    }

    private static void Fill(Stream stream, byte[] bytes)
    {
        if (stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
            throw new DataFileException("the file is cut off");
    }

    private static string? Find(string name, OfficialFile file, DatasetSources sources) => sources.FoldersOf(name)
        .SelectMany(folder => new[] { Path.Combine(folder, file.Name), Path.Combine(folder, file.Name + ".gz") })
        .FirstOrDefault(File.Exists);

    private static ImmutableArray<OfficialFile> Files(string trainImages, string trainLabels, string testImages, string testLabels) =>
    [
        new("train-images-idx3-ubyte", TrainShape, trainImages),
        new("train-labels-idx1-ubyte", [TrainShape[0]], trainLabels),
        new("t10k-images-idx3-ubyte", TestShape, testImages),
        new("t10k-labels-idx1-ubyte", [TestShape[0]], testLabels),
    ];
}
