using System.IO.Compression;
using System.Security.Cryptography;
using DeepTrain.Cluster.Servers;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Training.Data;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class OfficialFilesTests : IDisposable
{
    private const string Debian = "/usr/share/datasets/fashion-mnist";

    /// <summary>A file of two images of 2x3 pixels.</summary>
    private static readonly byte[] Images = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, .. Enumerable.Range(1, 12).Select(i => (byte)i)];
    private static readonly OfficialFile Small = new("small", [2, 2, 3], Convert.ToHexStringLower(SHA256.HashData(Images)));

    private readonly DataFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Read_PlainOrGzipped_GivesTheValues()
    {
        Assert.Equal(Images[16..], OfficialFiles.Read(new MemoryStream(Images), Small));
        Assert.Equal(Images[16..], OfficialFiles.Read(new MemoryStream(Gzip(Images)), Small));
    }

    [Fact]
    public void Read_CutAnywhere_SaysSo()
    {
        for (var length = 0; length < Images.Length; length++)
            AssertBroken(Images[..length], "cut off");
        var zipped = Gzip(Images);
        // The end of the data's own marker and the checksum hold no value.
        for (var length = 0; length < zipped.Length - 12; length++)
            AssertBroken(zipped[..length], "");
    }

    [Theory]
    [InlineData(0, 1, "no IDX file")]
    [InlineData(2, 9, "unsigned bytes in 3 dimensions")]
    [InlineData(2, 13, "unsigned bytes in 3 dimensions")]
    [InlineData(3, 1, "unsigned bytes in 3 dimensions")]
    [InlineData(4, 127, "shape 2 x 2 x 3")]
    [InlineData(7, 3, "shape 2 x 2 x 3")]
    [InlineData(15, 2, "shape 2 x 2 x 3")]
    [InlineData(20, 99, "SHA-256 differs")]
    public void Read_OtherBytes_SaysWhat(int at, byte value, string expected)
    {
        var file = Images.ToArray();
        file[at] = value;
        AssertBroken(file, expected);
        AssertBroken(Gzip(file), expected);
    }

    [Fact]
    public void Read_MoreThanThere_SaysSo()
    {
        AssertBroken([.. Images, 0], "goes on");
        AssertBroken(Gzip([.. Images, .. new byte[1_000_000]]), "goes on");
        AssertBroken([0x1f, 0x8b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "not gzipped");
    }

    [Fact]
    public void Read_NothingOnThisMachine_NamesTheRemedy()
    {
        var error = Assert.Throws<TrainerException>(() => OfficialFiles.Read(Fashion, _files.Sources, _ => { }, CancellationToken.None));
        Assert.Equal("infrastructure", error.FailureClass);
        Assert.Contains("fashion-mnist: train-images-idx3-ubyte is not on this machine", error.Message, StringComparison.Ordinal);
        Assert.Contains("DEEPTRAIN_DATASETS", error.Message, StringComparison.Ordinal);
        Assert.Contains("dataset-fashion-mnist", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_BrokenFile_NamesIt()
    {
        var path = _files.Write("given/fashion-mnist/train-images-idx3-ubyte", Images);
        var error = Assert.Throws<TrainerException>(() => OfficialFiles.Read(Fashion, _files.Sources, _ => { }, CancellationToken.None));
        Assert.Equal("bad-data", error.FailureClass);
        Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
        Assert.Contains("60000 x 28 x 28", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReadFile_ThatCannotBeRead_MayPass()
    {
        var error = Assert.Throws<TrainerException>(() => OfficialFiles.ReadFile(_files["gone"], Small));
        Assert.Equal("infrastructure", error.FailureClass);
        Assert.Contains("cannot be read", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WhereIs_Files_AreLookedForInOrder()
    {
        Assert.Equal("embedded", Datasets.WhereIs(Datasets.All[0], _files.Sources));
        Assert.Equal("not on this machine: downloaded when first used", Where());
        foreach (var file in OfficialFiles.Of("fashion-mnist"))
            _files.Write($"cache/fashion-mnist/{file.Name}.gz", []);
        Assert.Equal(_files["cache/fashion-mnist"], Where());
        _files.Write("system/fashion-mnist/t10k-labels-idx1-ubyte", []);
        Assert.Equal($"{_files["cache/fashion-mnist"]}, {_files["system/fashion-mnist"]}", Where());
        foreach (var file in OfficialFiles.Of("fashion-mnist").Skip(1))
            _files.Write($"given/{file.Name}", []);
        _files.Write("given/fashion-mnist/train-images-idx3-ubyte", []);
        Assert.Equal($"{_files["given/fashion-mnist"]}, {_files["given"]}", Where());
        File.Delete(_files["given/t10k-labels-idx1-ubyte"]);
        File.Delete(_files["system/fashion-mnist/t10k-labels-idx1-ubyte"]);
        File.Delete(_files["cache/fashion-mnist/t10k-labels-idx1-ubyte.gz"]);
        Assert.EndsWith(", without t10k-labels-idx1-ubyte: downloaded when first used", Where(), StringComparison.Ordinal);

        string Where() => Datasets.WhereIs(Fashion, _files.Sources);
    }

    [Fact]
    public void Read_DebiansPackage_IsFashionMnist()
    {
        Prerequisite.Require(Directory.Exists(Debian), "Debian's package dataset-fashion-mnist is not installed.");
        var table = OfficialFiles.Read(Fashion, _files.Sources with { System = "/usr/share/datasets" }, _ => { }, CancellationToken.None);
        Assert.Equal((70_000, 784, 10, 10_000), (table.Info.Rows, table.Info.Features, table.Info.Classes, table.Info.TestRows));
        Assert.Equal(70_000 * 784, table.Features.Length);
        Assert.Equal((0, 1), (table.Features.Min(), table.Features.Max()));
        foreach (var label in Enumerable.Range(0, 10))
        {
            Assert.Equal(6_000, table.Labels.Take(60_000).Count(other => other == label));
            Assert.Equal(1_000, table.Labels.Skip(60_000).Count(other => other == label));
        }
    }

    private static DatasetInfo Fashion => Datasets.All.Single(info => info.Name == "fashion-mnist");

    private static void AssertBroken(byte[] file, string expected)
    {
        var error = Assert.Throws<DataFileException>(() => OfficialFiles.Read(new MemoryStream(file), Small));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    private static byte[] Gzip(byte[] content)
    {
        using var file = new MemoryStream();
        using (var gzip = new GZipStream(file, CompressionLevel.Optimal))
            gzip.Write(content);
        return file.ToArray();
    }
}
