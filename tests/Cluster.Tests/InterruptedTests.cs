namespace DeepTrain.Cluster.Cluster.Tests;

public sealed class InterruptedTests : IDisposable
{
    private readonly Workplace _workplace = new();

    public void Dispose() => _workplace.Dispose();

    [Fact]
    public async Task Run_Interrupted_SaysHowToResumeAndTrainsOnlyWhatIsMissing()
    {
        var sweep = new SweepText("interrupted") { Widths = [8, 9, 10], Epochs = [12, 100] };
        var file = _workplace.Write(sweep);
        var process = _workplace.Run(file, "--slots", "1");
        await Eventually.Frozen(() => _workplace.Store.Ended("interrupted-1") > 0, "an ended trial", process);

        process.SendInterrupt();
        process.Thaw();
        (await process.WaitAsync()).Expect(130).ExpectInErrors("stopping: waiting for the epoch in training to end").ExpectInErrors($"Resume with: deeptrain run {file} --data {_workplace.Data}");

        var kept = _workplace.Store.Trials("interrupted-1").Where(trial => trial.Outcome is not null).ToList();
        Assert.InRange(kept.Count, 1, sweep.Trials - 1);
        Assert.Equal("Running", _workplace.Store.Status("interrupted-1"));

        (await _workplace.Run(file).WaitAsync()).Expect(0).ExpectInErrors("interrupted-1: resuming");

        var end = _workplace.Store.Trials("interrupted-1");
        Assert.All(end, trial => Assert.Equal("Completed", trial.Outcome));
        Assert.Equal(
            kept.Select(trial => trial.Everything),
            end.Where(trial => kept.Exists(each => each.Id == trial.Id)).Select(trial => trial.Everything));
    }
}
