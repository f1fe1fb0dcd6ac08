using System.Diagnostics;
using System.Text;
using DeepTrain.Cluster.Silo.Tests;
using DeepTrain.Cluster.Training.Files;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class DurableFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Write_SymbolicLink_ReplacesWhatItLeadsTo()
    {
        File.WriteAllText(_folder["target"], "before");
        File.CreateSymbolicLink(_folder["link"], "target");

        DurableFile.Write(_folder["link"], Content);

        Assert.Equal("target", new FileInfo(_folder["link"]).LinkTarget);
        Assert.Equal("content", File.ReadAllText(_folder["target"]));
    }

    [Fact]
    public void Write_SymbolicLinkToNothing_CreatesWhatItLeadsTo()
    {
        File.CreateSymbolicLink(_folder["link"], "later");

        DurableFile.Write(_folder["link"], Content);

        Assert.NotNull(new FileInfo(_folder["link"]).LinkTarget);
        Assert.Equal("content", File.ReadAllText(_folder["later"]));
    }

    [Fact]
    public void Write_LinkToADevice_LeavesBoth()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such files.");
        File.CreateSymbolicLink(_folder["null"], "/dev/null");

        DurableFile.Write(_folder["null"], Content);

        Assert.Equal("/dev/null", new FileInfo(_folder["null"]).LinkTarget);
        Assert.True(SpecialFile.IsAt("/dev/null"));
        Assert.Equal(["null"], Directory.GetFileSystemEntries(_folder.Root).Select(Path.GetFileName));
    }

    [Fact]
    public async Task Write_Pipe_IsReadAtItsOtherEnd()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such files.");
        using (var make = Process.Start("mkfifo", _folder["pipe"]))
            await make.WaitForExitAsync(TestContext.Current.CancellationToken);
        var read = Task.Run(() => File.ReadAllText(_folder["pipe"]), TestContext.Current.CancellationToken);

        DurableFile.Write(_folder["pipe"], Content);

        Assert.Equal("content", await read.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken));
        Assert.True(SpecialFile.IsAt(_folder["pipe"]));
    }

    [Fact]
    public void IsAt_FileFolderOrNothing_IsFalse()
    {
        File.WriteAllText(_folder["file"], "");

        Assert.All((string[])[_folder["file"], _folder.Root, _folder["nothing"]], path => Assert.False(SpecialFile.IsAt(path), path));
    }

    // Reads back what it has written, as some writers do.
    private static void Content(Stream stream)
    {
        stream.Write(Encoding.UTF8.GetBytes("content"));
        stream.Position = 0;
        Assert.Equal('c', stream.ReadByte());
        stream.Seek(0, SeekOrigin.End);
    }
}
