using System.Globalization;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.DataFolders;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class DataFolderTests
{
    private static readonly Gateway Gateway = new("127.0.0.1:30000", "embedded", "deeptrain", Environment.ProcessId);

    [Fact]
    public void TryAcquire_NewFolder_CreatesItsLayout()
    {
        using var root = new TemporaryFolder();
        var folder = new DataFolder(root["a/b"]);
        Assert.False(Directory.Exists(folder.Root));

        using var owner = DataFolderLock.TryAcquire(folder);

        Assert.NotNull(owner);
        Assert.Equal(["checkpoints", "logs", "models", "reports"], Directory.GetDirectories(folder.Root).Select(Path.GetFileName).Order());
        Assert.Equal(Path.Combine(root.Root, "a", "b", "sweeps.db"), folder.Database);
    }

    [Fact]
    public void Create_PathThatSqliteCannotOpen_SaysSoAndCreatesNothing()
    {
        using var root = new TemporaryFolder();
        // The database's name and the slash before it take ten bytes.
        var length = 504 - 10 - root.Root.Length - 1;
        var longest = new DataFolder(Path.Combine(root.Root, string.Concat(Enumerable.Range(0, length).Select(i => i % 100 == 99 && i < length - 1 ? '/' : 'd'))));
        longest.Create();
        Assert.True(Directory.Exists(longest.Root));

        var error = Assert.Throws<StoreException>(new DataFolder(longest.Root + "x").Create);
        Assert.Contains("its database's path has 505 bytes, and SQLite opens at most 504. Name a folder with a shorter path.", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(longest.Root + "x"));
    }

    [Fact]
    public void TryAcquire_Owned_IsNullUntilTheOwnerEnds()
    {
        using var root = new TemporaryFolder();
        var folder = new DataFolder(root.Root);
        using (var owner = DataFolderLock.TryAcquire(folder))
        {
            Assert.NotNull(owner);
            Assert.Null(DataFolderLock.TryAcquire(folder));
            Assert.Null(DataFolderLock.TryAcquire(new(Path.Combine(root.Root, "logs", ".."))));
        }

        using var next = DataFolderLock.TryAcquire(folder);
        Assert.NotNull(next);
    }

    [Fact]
    public void TryAcquire_LockLeftByADeadProcess_IsTaken()
    {
        using var root = new TemporaryFolder();
        File.WriteAllText(root["owner.lock"], "123456789");
        File.WriteAllText(root["gateway.json"], "{}");

        using (var owner = DataFolderLock.TryAcquire(new(root.Root)))
        {
            Assert.NotNull(owner);
            Assert.False(File.Exists(root["gateway.json"]));
        }

        Assert.Equal(Environment.ProcessId.ToString(CultureInfo.InvariantCulture), File.ReadAllText(root["owner.lock"]));
    }

    [Fact]
    public async Task TryAcquire_ManyAtOnce_ExactlyOneOwns()
    {
        using var root = new TemporaryFolder();
        for (var round = 0; round < 50; round++)
        {
            using var start = new Barrier(4);
            var owners = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(() =>
            {
                start.SignalAndWait();
                return DataFolderLock.TryAcquire(new(root.Root));
            }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));

            Assert.Single(owners, owner => owner is not null);
            foreach (var owner in owners)
                owner?.Dispose();
        }
    }

    [Fact]
    public async Task TryAcquire_WhileOthersLook_NeverTakesThemForOwners()
    {
        using var root = new TemporaryFolder();
        var folder = new DataFolder(root.Root);
        DataFolderLock.TryAcquire(folder)!.Dispose();
        using var end = new CancellationTokenSource();
        var looking = Task.Run(() =>
        {
            while (!end.IsCancellationRequested)
                DataFolderLock.IsHeld(folder);
        });

        for (var round = 0; round < 500; round++)
        {
            using var owner = DataFolderLock.TryAcquire(folder);
            Assert.NotNull(owner);
        }

        await end.CancelAsync();
        await looking;
    }

    [Fact]
    public void TryAcquire_SharedLockOfAnother_IsNullSoonAndTakenWhenTheLockIsGone()
    {
        using var root = new TemporaryFolder();
        var folder = new DataFolder(root.Root);
        DataFolderLock.TryAcquire(folder)!.Dispose();
        using (new FileStream(folder.LockFile, FileMode.Open, FileAccess.Read, FileShare.Read))
            Assert.Null(DataFolderLock.TryAcquire(folder));

        using var owner = DataFolderLock.TryAcquire(folder);
        Assert.NotNull(owner);
    }

    [Fact]
    public void ReadGateway_Published_IsReadOnlyWhileTheOwnerLives()
    {
        using var root = new TemporaryFolder();
        var folder = new DataFolder(root.Root);
        Assert.Null(folder.ReadGateway());
        using (var owner = DataFolderLock.TryAcquire(folder)!)
        {
            Assert.Null(folder.ReadGateway());
            owner.Publish(Gateway with { Endpoint = "127.0.0.1:1" });
            owner.Publish(Gateway);

            Assert.Equal(Gateway, folder.ReadGateway());
            if (!OperatingSystem.IsWindows())
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(root["gateway.json"]));
        }

        Assert.False(File.Exists(root["gateway.json"]));
        Assert.Equal(["owner.lock"], Directory.GetFiles(root.Root).Select(Path.GetFileName));
        Assert.Null(folder.ReadGateway());
    }

    [Fact]
    public void ReadGateway_LeftByADeadOwner_IsNull()
    {
        using var root = new TemporaryFolder();
        var folder = new DataFolder(root.Root);
        byte[] left;
        using (var owner = DataFolderLock.TryAcquire(folder)!)
        {
            owner.Publish(Gateway);
            left = File.ReadAllBytes(root["gateway.json"]);
        }
        File.WriteAllBytes(root["gateway.json"], left);

        Assert.Null(folder.ReadGateway());
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"Endpoint\":\"127.0.0.1:30000\"}")]
    [InlineData("{\"Endpoint\":null,\"ClusterId\":null,\"ServiceId\":null,\"ProcessId\":1}")]
    [InlineData("{\"Endpoint\":\"127.0.0.1:300")]
    public void ReadGateway_Garbled_IsNull(string text)
    {
        using var root = new TemporaryFolder();
        var folder = new DataFolder(root.Root);
        using var owner = DataFolderLock.TryAcquire(folder);
        File.WriteAllText(root["gateway.json"], text);

        Assert.Null(folder.ReadGateway());
    }

    [Fact]
    public void TryAcquire_FolderIsAFile_SaysWhatAndWhatToDo()
    {
        using var root = new TemporaryFolder();
        File.WriteAllText(root["file"], "");

        foreach (var path in (string[])[root["file"], root["file/below"]])
        {
            var error = Assert.Throws<StoreException>(() => DataFolderLock.TryAcquire(new(path)));
            Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
            Assert.Contains("Name a folder", error.Message, StringComparison.Ordinal);
            Assert.Null(new DataFolder(path).ReadGateway());
        }
    }

    [Fact]
    public void TryAcquire_NotWritable_SaysWhatAndWhatToDo()
    {
        // No user, not even root, can create a folder there.
        Assert.SkipUnless(Directory.Exists("/proc/self"), "no /proc here");

        var error = Assert.Throws<StoreException>(() => DataFolderLock.TryAcquire(new("/proc/self/deeptrain")));

        Assert.StartsWith("/proc/self/deeptrain", error.Message, StringComparison.Ordinal);
    }
}
