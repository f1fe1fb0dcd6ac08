namespace DeepTrain.Cluster.Cluster.Tests;

public sealed class KilledTests : IDisposable
{
    private readonly Workplace _workplace = new();

    public void Dispose() => _workplace.Dispose();

    [Fact]
    public async Task Run_KilledTwice_TrainsNothingTwiceAndEndsLikeAnUninterruptedRun()
    {
        // One slot trains six cohorts of four trials, one after the other.
        var sweep = new SweepText("killed") { Widths = [8, 9, 10, 11, 12, 13], Epochs = [60] };
        var file = _workplace.Write(sweep);
        using var elsewhere = new Workplace();
        var uninterrupted = elsewhere.Run(elsewhere.Write(sweep), "--slots", "1");

        var (first, afterFirst) = await KillInTheMiddle(file, endedBefore: 0);
        var (second, afterSecond) = await KillInTheMiddle(file, endedBefore: first.Count);
        Assert.Equal(first.Select(trial => trial.Everything), afterSecond.Where(Among(first)).Select(trial => trial.Everything));
        var run = (await _workplace.Run(file, "--slots", "1").WaitAsync()).Expect(0).ExpectInErrors("killed-1: resuming");

        var end = _workplace.Store.Trials("killed-1");
        Assert.Equal(sweep.Trials, end.Count);
        Assert.All(end, trial =>
        {
            Assert.Equal("Completed", trial.Outcome);
            Assert.Equal(Enumerable.Range(0, 61), trial.Epochs.Select(epoch => epoch.Epoch));
            Assert.Equal(trial.Fence, trial.Epochs[^1].Fence);
        });
        Assert.Equal(second.Select(trial => trial.Everything), end.Where(Among(second)).Select(trial => trial.Everything));
        // Whoever was in training at a kill was leased anew.
        Assert.Contains(afterFirst.Where(trial => trial is { Outcome: null, Fence: 1 }), cut => end.Any(
            trial => trial.Id == cut.Id && trial.Fence >= 2));
        Assert.Equal(sweep.Trials, run.Json.GetProperty("trials").GetProperty("completed").GetInt32());

        var whole = (await uninterrupted.WaitAsync()).Expect(0);
        Assert.Equal(elsewhere.Store.Trials("killed-1").Select(trial => trial.Result), end.Select(trial => trial.Result));
        Assert.Equal(whole.Json.GetProperty("best").GetRawText(), run.Json.GetProperty("best").GetRawText());
    }

    /// <summary>
    /// From the lock's appearance to the first trial, one kill after the other: each start finds what the last one left, or nothing
    /// where that went further than the step it is to be killed at.
    /// </summary>
    [Fact]
    public async Task Run_KilledAtEachStepOfItsStart_RunsAfterwards()
    {
        var sweep = new SweepText("started") { Epochs = [2] };
        var file = _workplace.Write(sweep);
        foreach (var (step, reached) in (IEnumerable<(string, Func<bool>)>)
        [
            ("the lock", () => Exists("owner.lock")),
            ("the database file", () => Exists("sweeps.db")),
            ("the first page", () => Exists("sweeps.db") && new FileInfo(Path.Combine(_workplace.Data, "sweeps.db")).Length > 0),
            ("the migration", _workplace.Store.HasBegunToMigrate),
            ("the gateway", () => Exists("gateway.json")),
            ("the sweep", () => _workplace.Store.Status("started-1") is not null),
            ("the first lease", () => _workplace.Store.Trials("started-1").Any(trial => trial.Fence > 0)),
        ])
        {
            if (reached())
                Directory.Delete(_workplace.Data, recursive: true);
            Assert.False(reached(), $"{step} is there before anything has started");
            var process = _workplace.Run(file);
            await Eventually.True(reached, step, process);
            process.Kill();
        }

        (await _workplace.Run(file).WaitAsync()).Expect(0);

        Assert.Equal("Finished", _workplace.Store.Status("started-1"));
        Assert.All(_workplace.Store.Trials("started-1"), trial => Assert.Equal([0, 1, 2], trial.Epochs.Select(epoch => epoch.Epoch)));

        bool Exists(string name) => File.Exists(Path.Combine(_workplace.Data, name));
    }

    /// <returns>The trials that had ended when the process died, and all of them.</returns>
    private async Task<(List<StoredTrial> Ended, IReadOnlyList<StoredTrial> All)> KillInTheMiddle(string file, int endedBefore)
    {
        var process = _workplace.Run(file, "--slots", "1");
        await Eventually.Frozen(
            () => _workplace.Store.Ended("killed-1") > endedBefore
                && _workplace.Store.Trials("killed-1").Any(trial => trial is { Outcome: null, Epochs.Length: > 1 }),
            $"more than {endedBefore} ended trials, and others in training", process);
        process.Kill();
        var all = _workplace.Store.Trials("killed-1");
        var ended = all.Where(trial => trial.Outcome is not null).ToList();
        Assert.InRange(ended.Count, endedBefore + 1, all.Count - 1);
        return (ended, all);
    }

    private static Func<StoredTrial, bool> Among(List<StoredTrial> trials) => trial => trials.Exists(each => each.Id == trial.Id);
}
