namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>Disks that are full, and folders that may only be read.</summary>
public sealed class FullDiskTests : IDisposable
{
    private static readonly SweepText Sweep = new("full");

    /// <summary>Of many short epochs, which write more than a small disk holds.</summary>
    private static readonly SweepText Large = Sweep with { Epochs = [1000], BatchSize = 256 };

    private readonly Workplace _workplace = new();

    public void Dispose() => _workplace.Dispose();

    [Fact]
    public async Task Store_OnADiskThatFillsUp_SaysSoAndGoesOnWithMoreSpace()
    {
        using var disk = SmallDisk.On(_workplace.Data, "1m");
        var file = _workplace.Write(Large);
        var process = _workplace.Run(file, "--slots", "2");

        await Eventually.True(() => process.Errors.Contains("the disk is full", StringComparison.Ordinal), "an error that says what is wrong", process);
        Assert.Contains("Free some space", process.Errors, StringComparison.Ordinal);
        var epochs = _workplace.Store.Trials("full-1").Sum(trial => trial.Epochs.Length);
        Assert.InRange(epochs, 1, Large.Trials * Large.Epochs[0]);
        disk.Become("size=64m");

        // It goes on by itself: what could not be written is written now.
        (await process.WaitAsync()).Expect(0);
        Assert.Equal(await Workplace.ResultsAsync(Large), _workplace.Store.Trials("full-1").Select(trial => trial.Result));
    }

    [Fact]
    public async Task Store_OnAFullDisk_KilledAndRunAgainWithMoreSpace_Finishes()
    {
        using var disk = SmallDisk.On(_workplace.Data, "1m");
        var file = _workplace.Write(Large);
        var process = _workplace.Run(file, "--slots", "2");
        await Eventually.True(() => process.Errors.Contains("the disk is full", StringComparison.Ordinal), "an error that says what is wrong", process);
        process.Kill();
        disk.Become("size=64m");

        (await _workplace.Run(file).WaitAsync()).Expect(0);

        Assert.Equal(await Workplace.ResultsAsync(Large), _workplace.Store.Trials("full-1").Select(trial => trial.Result));
    }

    [Fact]
    public async Task Store_InAFolderThatMayOnlyBeRead_SaysSoAndRunsOnceItMayBeWritten()
    {
        using var disk = SmallDisk.On(_workplace.Data, "64m");
        var file = _workplace.Write(Sweep with { Epochs = [50] });
        var process = _workplace.Run(file);
        await Eventually.True(() => _workplace.Store.EpochCount("full-1") > 0, "the first epochs", process);
        process.Kill();
        disk.Become("ro");

        var refused = (await _workplace.Run(file).WaitAsync()).Expect(3);
        Assert.Contains(_workplace.Data, refused.Errors, StringComparison.Ordinal);
        Assert.Contains("writ", refused.Errors, StringComparison.Ordinal);

        disk.Become("rw");
        (await _workplace.Run(file).WaitAsync()).Expect(0);
    }

    /// <summary>Training needs no checkpoint: it goes on without, and says so.</summary>
    [Theory]
    [InlineData("64k", "rw")]
    [InlineData("64m", "ro")]
    public async Task Checkpoints_ThatCannotBeWritten_SaysSoTrainsOnAndResumes(string size, string mode)
    {
        var checkpoints = Path.Combine(_workplace.Data, "checkpoints");
        using var disk = SmallDisk.On(checkpoints, size);
        disk.Become(mode);
        var sweep = Sweep with { Widths = [300], Epochs = [40] };
        var file = _workplace.Write(sweep);
        _workplace.CheckpointSeconds = 0;
        var process = _workplace.Run(file);
        await Eventually.True(() => process.Errors.Contains("No checkpoint could be written", StringComparison.Ordinal),
            "an error that says what is wrong", process);
        Assert.Contains(checkpoints, process.Errors, StringComparison.Ordinal);
        await Eventually.True(() => _workplace.Store.EpochCount("full-1") > 4 * sweep.Trials, "epochs all the same", process);
        process.Kill();
        disk.Become(mode == "ro" ? "rw" : "size=64m");

        (await _workplace.Run(file).WaitAsync()).Expect(0);

        Assert.Equal(await Workplace.ResultsAsync(sweep), _workplace.Store.Trials("full-1").Select(trial => trial.Result));
    }
}
