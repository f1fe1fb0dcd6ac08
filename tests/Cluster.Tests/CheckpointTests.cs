namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>Trials of many epochs, interrupted in their middle.</summary>
public sealed class CheckpointTests : IDisposable
{
    private const int Epochs = 400;

    private readonly Workplace _workplace = new();

    public void Dispose() => _workplace.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Run_EndedInTheMiddleOfATrial_GoesOnFromItsCheckpointToTheSameBits(bool killed)
    {
        var sweep = new SweepText("long") { Epochs = [Epochs], Replicates = 1 };
        var file = _workplace.Write(sweep);
        _workplace.CheckpointSeconds = killed ? 0 : 3600;
        var process = _workplace.Run(file, "--slots", "1");
        await Eventually.Frozen(
            () => _workplace.Store.Trials("long-1") is { Count: > 0 } trials
                && trials.All(trial => trial.Outcome is null && trial.Epochs.Any(epoch => epoch.Epoch > 20)),
            "some epochs of each trial", process);
        if (killed)
        {
            process.Kill();
        }
        else
        {
            process.SendInterrupt();
            process.Thaw();
            (await process.WaitAsync()).Expect(130);
        }
        var interrupted = _workplace.Store.Trials("long-1");
        Assert.All(interrupted, trial => Assert.Null(trial.Outcome));

        (await _workplace.Run(file).WaitAsync()).Expect(0);

        var resumed = _workplace.Store.Trials("long-1");
        Assert.All(resumed.Zip(interrupted), pair =>
        {
            var (now, before) = pair;
            var first = now.Epochs.Where(epoch => epoch.Fence == 1).ToList();
            Assert.Equal(Enumerable.Range(0, Epochs + 1), now.Epochs.Select(epoch => epoch.Epoch));
            // Told to end it saves its last epoch; killed, each but the one whose file or row was not there yet.
            Assert.InRange(first.Count, Math.Max(1, before.Epochs.Length - (killed ? 2 : 0)), before.Epochs.Length);
            Assert.Equal(before.Epochs.Take(first.Count), first);
            Assert.All(now.Epochs.Skip(first.Count), epoch => Assert.Equal(2, epoch.Fence));
        });
        Assert.Equal(await Workplace.ResultsAsync(sweep), resumed.Select(trial => trial.Result));
    }
}
