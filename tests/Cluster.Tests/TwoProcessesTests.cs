using System.Text.Json.Nodes;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>Two terminals on one data folder: the first process owns it, the others attach or read.</summary>
public sealed class TwoProcessesTests : IDisposable
{
    /// <summary>One trial ends at once, the other only when cancelled: it leaves one of two slots free.</summary>
    private static readonly SweepText Long = new("long") { Epochs = [1, SweepText.Endless], Activations = ["tanh"], Replicates = 1 };

    private static readonly SweepText Short = new("short") { Epochs = [2] };

    private readonly Workplace _workplace = new();

    public void Dispose() => _workplace.Dispose();

    [Fact]
    public async Task WhileTheFirstTrains_OthersReadFollowAndCancel()
    {
        var file = _workplace.Write(Long);
        var first = _workplace.Run(file, "--slots", "2");
        await Eventually.True(() => _workplace.Store.Ended("long-1") == 1, "the quick trial to end", first);
        var trainedByFirst = $"(trained by process {first.Id})";

        var status = (await _workplace.Tell("status", "long", "--format", "json")).Expect(0).Json;
        Assert.Equal("running", status.GetProperty("status").GetString());
        var trials = status.GetProperty("trials");
        Assert.Equal((2, 1), (trials.GetProperty("total").GetInt32(), trials.GetProperty("completed").GetInt32()));
        Assert.Single((await _workplace.Tell("results", "long-1", "--format", "json")).Expect(0).Json.EnumerateArray());
        var listed = (await _workplace.Tell("list", "--format", "json")).Expect(0).Json;
        Assert.Equal("long-1", Assert.Single(listed.EnumerateArray()).GetProperty("sweepId").GetString());

        // A second run of the same file, and a watch, follow what the first one trains ...
        var second = _workplace.Run(file, "--slots", "2");
        var watch = _workplace.Start("watch", "long", "--format", "json");
        await Eventually.True(() => second.Errors.Contains($"resuming, 2 cells x 1 replicates {trainedByFirst}", StringComparison.Ordinal),
            "the second process to attach", second);
        await Eventually.True(() => watch.Errors.Contains("long-1  1/2 trials (1 completed", StringComparison.Ordinal),
            "the watching process to show progress", watch);
        // ... while another file is trained to its end beside it.
        (await _workplace.Run(_workplace.Write(Short)).WaitAsync()).Expect(0)
            .ExpectInErrors($"short-1: 2 cells x 2 replicates = 4 trials {trainedByFirst}");

        Assert.Contains("long-1 is cancelled", (await _workplace.Tell("cancel", "long")).Expect(0).Output, StringComparison.Ordinal);

        var end = (await first.WaitAsync()).Expect(1);
        Assert.Equal("cancelled", end.Json.GetProperty("status").GetString());
        Assert.Equal(1, end.Json.GetProperty("trials").GetProperty("completed").GetInt32());
        Assert.Equal(1, end.Json.GetProperty("trials").GetProperty("cancelled").GetInt32());
        Assert.Equal(Final(end), Final((await second.WaitAsync()).Expect(1)));
        Assert.Equal(Final(end), Final((await watch.WaitAsync()).Expect(1)));
        Assert.Equal("Finished", _workplace.Store.Status("short-1"));
    }

    [Fact]
    public async Task OwnerIsKilled_TheAttachedProcessTakesOver()
    {
        var first = _workplace.Run(_workplace.Write(Long), "--slots", "2");
        await Eventually.True(() => _workplace.Store.Ended("long-1") == 1, "the quick trial to end", first);
        var before = _workplace.Store.Trials("long-1").Where(trial => trial.Outcome is not null).Select(trial => trial.Everything).ToList();
        var other = new SweepText("other") { Epochs = [30, 60] };
        var second = _workplace.Run(_workplace.Write(other));
        await Eventually.True(() => _workplace.Store.Trials("other-1").Any(trial => trial.Epochs.Length > 1),
            "the first process to train the second one's sweep", second);

        first.Kill();

        var end = (await second.WaitAsync()).Expect(0)
            .ExpectInErrors($"(trained by process {first.Id})")
            .ExpectInErrors($"process {first.Id}, which trained other-1, does not answer any more: going on without it");
        Assert.Equal(other.Trials, end.Json.GetProperty("trials").GetProperty("completed").GetInt32());
        Assert.Equal("Running", _workplace.Store.Status("long-1"));
        Assert.Equal(before, _workplace.Store.Trials("long-1").Where(trial => trial.Outcome is not null).Select(trial => trial.Everything));
    }

    [Fact]
    public async Task OwnerEnds_TheAttachedProcessTakesOver()
    {
        var first = _workplace.Run(_workplace.Write(Short with { Epochs = [20] }));
        await Eventually.True(() => _workplace.Store.Status("short-1") is not null, "the first sweep", first);
        var other = new SweepText("other") { Epochs = [10, 40, 80] };
        var second = _workplace.Run(_workplace.Write(other));

        (await first.WaitAsync()).Expect(0);
        var end = (await second.WaitAsync()).Expect(0);

        Assert.Equal(other.Trials, end.Json.GetProperty("trials").GetProperty("completed").GetInt32());
        Assert.All(_workplace.Store.Trials("other-1"), trial =>
            Assert.Equal(Enumerable.Range(0, trial.Epochs.Length), trial.Epochs.Select(epoch => epoch.Epoch)));
    }

    [Fact]
    public async Task OwnerIsFrozen_TheOthersDoNotWaitForever()
    {
        var first = _workplace.Run(_workplace.Write(Long), "--slots", "2");
        await Eventually.True(() => _workplace.Store.Ended("long-1") == 1, "the quick trial to end", first);

        first.Freeze();

        (await _workplace.Tell("watch", "long")).Expect(3).ExpectInErrors("nothing trains long-1 now (1 of 2 trials ended)");
    }

    /// <summary>What <c>run --format json</c> says, without the time it took.</summary>
    private static string Final(Finished finished)
    {
        var result = JsonNode.Parse(finished.Output)!.AsObject();
        result.Remove("seconds");
        return result.ToJsonString();
    }
}
