using System.Security.Cryptography;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Training.Data;
using Microsoft.Extensions.Time.Testing;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class KeptFilesTests : IDisposable
{
    private readonly DataFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Keep_FileThatChangedMeanwhile_IsNotKept()
    {
        var file = _files.Write("data.csv", "a,b\n1,x\n");
        var error = Assert.Throws<IOException>(() => KeptFiles.Keep(file, new string('0', 64), _files["kept"], TimeProvider.System));
        Assert.Contains("has changed while it was read", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_files["kept"]));
    }

    [Fact]
    public void Keep_FileThatIsKeptAlready_BecomesAsYoungAsANewOne()
    {
        var time = new FakeTimeProvider(new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
        var file = _files.Write("data.csv", "a,b\n1,x\n");
        var content = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)));
        KeptFiles.Keep(file, content, _files["kept"], time);
        var kept = Assert.Single(Directory.GetFiles(_files["kept"]));
        File.SetLastWriteTimeUtc(kept, new(2025, 1, 1, 0, 0, 0, DateTimeKind.Utc));

        KeptFiles.Keep(file, content, _files["kept"], time);

        Assert.Equal(time.GetUtcNow().UtcDateTime, File.GetLastWriteTimeUtc(kept));
    }

    [Fact]
    public void Read_Unkept_SaysWhetherItMayPassAndWhatToDo()
    {
        var content = new string('0', 64);
        foreach (var (given, sources, failureClass) in ((string?, DatasetSources, string)[])
            [(null, _files.Sources, "bad-data"), (content, _files.Sources with { Kept = null }, "bad-data"), (content, _files.Sources, "infrastructure")])
        {
            var error = Assert.Throws<TrainerException>(() => KeptFiles.Read("csv", given, null, sources));
            Assert.Equal(failureClass, error.FailureClass);
            Assert.Contains("run the sweep's file again", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Read_FileThatIsADirectory_MayPass()
    {
        Directory.CreateDirectory(_files["kept/0"]);
        var error = Assert.Throws<TrainerException>(() => KeptFiles.Read("csv", "0", null, _files.Sources));
        Assert.Equal("infrastructure", error.FailureClass);
    }
}
