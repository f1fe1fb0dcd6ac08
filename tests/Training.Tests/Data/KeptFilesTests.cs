using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class KeptFilesTests : IDisposable
{
    private readonly DataFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Keep_FileThatChangedMeanwhile_IsNotKept()
    {
        var file = _files.Write("data.csv", "a,b\n1,x\n");
        var error = Assert.Throws<IOException>(() => KeptFiles.Keep(file, new string('0', 64), _files["kept"]));
        Assert.Contains("has changed while it was read", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_files["kept"]));
    }

    [Fact]
    public void Read_Unkept_IsBadDataAndSaysWhatToDo()
    {
        foreach (var (content, sources) in new[] { (null, _files.Sources), (new string('0', 64), _files.Sources), ((string?)new string('0', 64), _files.Sources with { Kept = null }) })
        {
            var error = Assert.Throws<TrainerException>(() => KeptFiles.Read("csv", content, null, sources));
            Assert.Equal("bad-data", error.FailureClass);
            Assert.Contains("run the sweep's file again", error.Message, StringComparison.Ordinal);
        }
    }
}
