using DeepTrain.Cluster.Servers;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>The verbs that steer a stored sweep, from another terminal or with nobody training.</summary>
public sealed class ControlTests : IDisposable
{
    private static readonly SweepText Small = new("small") { Epochs = [2] };

    private readonly Workplace _workplace = new();

    public void Dispose() => _workplace.Dispose();

    [Fact]
    public async Task PauseAndResume_FromAnotherTerminal_LoseNoEpoch()
    {
        var run = _workplace.Run(_workplace.Write(new SweepText("long") { Epochs = [SweepText.Endless], Activations = ["tanh"], Replicates = 1 }));
        await Eventually.True(() => Epochs("long-1") > 2, "some epochs", run);

        Assert.Contains("long-1 is paused", (await _workplace.Tell("pause", "long")).Expect(0).Output, StringComparison.Ordinal);
        await Eventually.True(() => run.Errors.Contains("long-1  paused", StringComparison.Ordinal), "the run to say that it is paused", run);
        await Eventually.True(() => _workplace.Store.Trials("long-1") is [{ Lease: null }], "the trial to be given back", run);
        var saved = Epochs("long-1");
        Assert.Contains("is not running", (await _workplace.Tell("pause", "long")).Expect(0).Output, StringComparison.Ordinal);
        Assert.Equal("paused", (await _workplace.Tell("status", "long", "--format", "json")).Expect(0).Json.GetProperty("status").GetString());

        Assert.Contains("long-1 goes on", (await _workplace.Tell("resume", "long")).Expect(0).Output, StringComparison.Ordinal);
        await Eventually.True(() => Epochs("long-1") > saved, "further epochs", run);
        var trial = Assert.Single(_workplace.Store.Trials("long-1"));
        // What was trained before the pause carries the first fence still: nothing was trained twice.
        Assert.Equal(Enumerable.Range(0, trial.Epochs.Length), trial.Epochs.Select(epoch => epoch.Epoch));
        Assert.All(trial.Epochs, epoch => Assert.Equal(epoch.Epoch < saved ? 1 : 2, epoch.Fence));
        await _workplace.Tell("cancel", "long");
        (await run.WaitAsync()).Expect(1);
    }

    [Fact]
    public async Task StatusAndCancel_OfOneTrial_ShowAndStopThatTrialOnly()
    {
        var run = _workplace.Run(_workplace.Write(new SweepText("long") { Epochs = [SweepText.Endless], Activations = ["tanh"], Replicates = 2 }));
        await Eventually.True(() => _workplace.Store.Trials("long-1").Any(trial => trial.Epochs.Length > 2), "some epochs of a trial", run);
        var id = _workplace.Store.Trials("long-1").First(trial => trial.Epochs.Length > 2).Id;

        var status = (await _workplace.Tell("status", "long", "--trial", id, "--format", "json")).Expect(0).Json;
        Assert.Equal(("training", $"long-1/{id}"), (status.GetProperty("state").GetString(), status.GetProperty("trial").GetString()));
        Assert.True(status.GetProperty("epoch").GetInt32() > 1);
        Assert.Contains($"long-1/{id} will be stopped at the end of its epoch", (await _workplace.Tell("cancel", "long", "--trial", id)).Expect(0).Output, StringComparison.Ordinal);

        await Eventually.True(() => _workplace.Store.Trials("long-1").Single(trial => trial.Id == id).Outcome == "Stopped", "the trial to end", run);
        Assert.Null(_workplace.Store.Trials("long-1").Single(trial => trial.Id != id).Outcome);
        Assert.Equal("stopped", (await _workplace.Tell("status", "long", "--trial", id, "--format", "json")).Expect(0).Json.GetProperty("state").GetString());
        Assert.False((await _workplace.Tell("cancel", "long", "--trial", id, "--format", "json")).Expect(0).Json.GetProperty("stopped").GetBoolean());
        await _workplace.Tell("cancel", "long");
        (await run.WaitAsync()).Expect(1);
    }

    [Fact]
    public async Task Retry_AfterTheCauseIsMended_TriesOnlyWhatFailed()
    {
        InstalledPrograms.Require("python3", package: "python3");
        _workplace.Write("train.py", """
            import json, os, sys
            task = json.loads(sys.stdin.readline())
            if task["configuration"]["rate"] == 2 and not os.path.exists(os.path.join(os.path.dirname(os.path.abspath(__file__)), "mended")):
                sys.exit("the second rate does not work yet")
            print(json.dumps({"epoch": 1, "trainLoss": 0.5, "validationLoss": 0.6, "validationAccuracy": 0.7}), flush=True)
            """);
        var file = _workplace.Write("script.yaml", $$"""
            name: script
            trainer: { command: [python3, "{{_workplace.PathOf("train.py")}}"], parameters: { rate: 1 } }
            training: { epochs: 1 }
            space: { rate: [1, 2] }
            """);
        var failed = (await _workplace.Run(file).WaitAsync()).Expect(1).ExpectInErrors("the second rate does not work yet");
        Assert.Equal(1, failed.Json.GetProperty("trials").GetProperty("failed").GetInt32());
        var results = (await _workplace.Tell("results", "script", "--format", "json")).Expect(0).Json.EnumerateArray().ToList();
        var failure = Assert.Single(results, result => result.GetProperty("outcome").GetString() == "failed").GetProperty("failure");
        Assert.Equal("code-error", failure.GetProperty("class").GetString());
        Assert.Contains("does not work yet", failure.GetProperty("log").GetString(), StringComparison.Ordinal);
        _workplace.Write("mended", "");

        Assert.Contains("script-1 tries 1 failed or cancelled trials again", (await _workplace.Tell("retry", "script")).Expect(0).Output, StringComparison.Ordinal);
        var done = (await _workplace.Run(file).WaitAsync()).Expect(0);

        Assert.Equal(2, done.Json.GetProperty("trials").GetProperty("completed").GetInt32());
        Assert.Contains("has no failed or cancelled trials", (await _workplace.Tell("retry", "script")).Expect(0).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Extend_FinishedSweep_TrainsOnlyTheNewReplicates()
    {
        var file = _workplace.Write(Small);
        (await _workplace.Run(file).WaitAsync()).Expect(0);
        var before = _workplace.Store.Trials("small-1").Select(trial => trial.Everything).ToHashSet();

        var extended = (await _workplace.Tell("extend", "small", "--replicates", "3", "--format", "json")).Expect(0).Json;
        (await _workplace.Tell("extend", "small", "--replicates", "1")).Expect(2).ExpectInErrors("has 3 replicates: give more");
        var done = (await _workplace.Run(_workplace.Write(Small with { Replicates = 3 })).WaitAsync()).Expect(0);

        Assert.Equal(2, extended.GetProperty("addedTrials").GetInt32());
        Assert.Equal(6, done.Json.GetProperty("trials").GetProperty("completed").GetInt32());
        Assert.Subset(_workplace.Store.Trials("small-1").Select(trial => trial.Everything).ToHashSet(), before);
    }

    [Fact]
    public async Task Delete_Sweep_LeavesNothingButItsNumber()
    {
        var file = _workplace.Write(Small);
        (await _workplace.Run(file).WaitAsync()).Expect(0);
        Assert.NotEmpty(Directory.GetFileSystemEntries(Path.Combine(_workplace.Data, "models")));

        Assert.Contains("small-1 is deleted", (await _workplace.Tell("delete", "small-1")).Expect(0).Output, StringComparison.Ordinal);

        Assert.Empty((await _workplace.Tell("list", "--format", "json")).Expect(0).Json.EnumerateArray());
        Assert.Empty(_workplace.Store.Trials("small-1"));
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(_workplace.Data, "models")));
        (await _workplace.Tell("results", "small-1")).Expect(3);
        Assert.Equal("small-2", (await _workplace.Run(file).WaitAsync()).Expect(0).Json.GetProperty("sweepId").GetString());
    }

    [Fact]
    public async Task Prune_OlderThan_DeletesWhatHasEndedOnly()
    {
        (await _workplace.Run(_workplace.Write(Small)).WaitAsync()).Expect(0);
        (await _workplace.Tell("submit", _workplace.Write(new SweepText("open")))).Expect(0);

        Assert.Empty((await _workplace.Tell("prune", "--older-than", "1d", "--format", "json")).Expect(0).Json.EnumerateArray());
        Assert.Single((await _workplace.Tell("prune", "--older-than", "0m", "--dry-run", "--format", "json")).Expect(0).Json.EnumerateArray());
        Assert.Equal(2, (await _workplace.Tell("list", "--format", "json")).Expect(0).Json.GetArrayLength());
        var pruned = (await _workplace.Tell("prune", "--older-than", "0m", "--format", "json")).Expect(0).Json;

        Assert.Equal("small-1", Assert.Single(pruned.EnumerateArray()).GetProperty("sweepId").GetString());
        Assert.Equal("open-1", Assert.Single((await _workplace.Tell("list", "--format", "json")).Expect(0).Json.EnumerateArray()).GetProperty("sweepId").GetString());
        (await _workplace.Tell("prune", "--older-than", "soon")).Expect(2).ExpectInErrors("30d, 12h, 90m");
    }

    private int Epochs(string sweep) => _workplace.Store.Trials(sweep).Sum(trial => trial.Epochs.Length);
}
