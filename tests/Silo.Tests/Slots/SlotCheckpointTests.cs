using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Tests;
using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class SlotCheckpointTests
{
    private const int Endless = 1_000_000;

    [Fact]
    public async Task Run_EachEpochSaved_LeavesNoFileAtItsEnd()
    {
        await using var cluster = await SlotCluster.StartAsync(checkpointInterval: TimeSpan.Zero);
        var seen = new List<int>();
        cluster.Trainer.BeforeEpoch = (_, epoch) => seen.Add(Directory.GetFiles(cluster.Folder.Checkpoints).Length);

        await cluster.SubmitAsync("0.1, 0.3", epochs: 4);
        await cluster.FinishedAsync();

        Assert.Equal(0, seen[0]);
        Assert.All(seen[1..], count => Assert.InRange(count, 1, 3));
        await Eventually.True(() => Task.FromResult(Directory.GetFiles(cluster.Folder.Checkpoints).Length == 0), "the last file to go");
        Assert.Equal("0|1|2|3|4", await cluster.TextAsync(
            "SELECT group_concat(epoch, '|') FROM epochs WHERE trial = (SELECT MIN(key) FROM trials)"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Run_CannotBeSaved_GoesOnWithoutCheckpoints(bool isDiskFull)
    {
        await using var cluster = await SlotCluster.StartAsync(checkpointInterval: TimeSpan.Zero);
        cluster.Trainer.BeforeSave = () => throw (isDiskFull ? new IOException("No space left on device.") : new InvalidOperationException("no tensor"));

        await cluster.SubmitAsync("0.1, 0.3", epochs: 4);
        await cluster.FinishedAsync();

        Assert.All((await cluster.ResultsAsync()).Values, result => Assert.Equal((Outcome.Completed, 4), (result.Outcome, result.Epochs)));
        Assert.Equal([2], cluster.Trainer.Started);
    }

    [Fact]
    public async Task Cohort_WantedElsewhereAndCannotBeSaved_TrainsOnUntilItCan()
    {
        await using var cluster = await SlotCluster.StartAsync(lease: TimeSpan.FromSeconds(3));
        var (isDiskFull, hasTried) = (true, new TaskCompletionSource());
        cluster.Trainer.BeforeSave = () =>
        {
            hasTried.TrySetResult();
            if (Volatile.Read(ref isDiskFull))
                throw new IOException("No space left on device.");
        };
        await cluster.SubmitAsync("0.1, 0.3", Endless);
        await Eventually.True(async () => await cluster.CountAsync("SELECT MAX(epoch) FROM epochs") > 1, "some epochs");

        // The slots of a sweep that is paused, and of one that has to share them, are told the same.
        Assert.True(await cluster.Sweep.Pause());
        await hasTried.Task.WaitAsync(TimeSpan.FromSeconds(20));
        var tried = await cluster.CountAsync("SELECT MAX(epoch) FROM epochs");

        await Eventually.True(async () => await cluster.CountAsync("SELECT MAX(epoch) FROM epochs") > tried + 5, "further epochs");
        Assert.Equal((2, 0), ((await cluster.OverviewAsync()).Leased, (await cluster.OverviewAsync()).Waiting));

        Volatile.Write(ref isDiskFull, false);
        await Eventually.True(async () => (await cluster.OverviewAsync()).Leased == 0, "the trials to be given back once they are saved");
        Assert.True(await cluster.CountAsync("SELECT MIN(checkpoint_epoch) FROM trials") > tried);
    }

    [Fact]
    public async Task Trial_FailsAfterGoingOn_KeepsTheEpochsItWentOnFrom()
    {
        await using var cluster = await SlotCluster.StartAsync();
        var sweep = SweepFile.Parse(SlotCluster.Text("0.1", 4), "sweep").Sweep!;
        await SavedAsync(cluster, sweep, ["good-2"]);
        await File.WriteAllTextAsync(Path.Combine(cluster.Folder.Checkpoints, "good-2"), "2");
        cluster.Trainer.BeforeEpoch = (_, _) => throw new InvalidOperationException("no gradient");

        await cluster.SubmitAsync("0.1", 4);
        await cluster.FinishedAsync();

        Assert.Equal((Outcome.Failed, 2), (await cluster.ResultsAsync()).Values.Select(result => (result.Outcome, result.Epochs)).Single());
        Assert.Equal("0:1|1:1|2:1", await cluster.TextAsync("SELECT group_concat(epoch || ':' || fence, '|') FROM epochs"));
    }

    [Fact]
    public async Task Trial_CheckpointThatCannotBeReadNow_IsTriedAgainAndGoesOnFromIt()
    {
        await using var cluster = await SlotCluster.StartAsync();
        var sweep = SweepFile.Parse(SlotCluster.Text("0.1", 4), "sweep").Sweep!;
        await SavedAsync(cluster, sweep, ["good-2"]);
        await File.WriteAllTextAsync(Path.Combine(cluster.Folder.Checkpoints, "good-2"), "2");
        var begun = 0;
        cluster.Trainer.BeforeStart = _ =>
        {
            if (Interlocked.Increment(ref begun) == 1)
                throw new IOException("Stale file handle.");
        };

        await cluster.SubmitAsync("0.1", 4);
        await Eventually.True(async () => await cluster.CountAsync("SELECT COUNT(*) FROM trials WHERE retry_at IS NOT NULL") == 1, "a first try");
        await cluster.ExecuteAsync("UPDATE trials SET retry_at = 0");
        await cluster.Sweep.Touch();
        await cluster.FinishedAsync();

        Assert.Equal((Outcome.Completed, 4), (await cluster.ResultsAsync()).Values.Select(result => (result.Outcome, result.Epochs)).Single());
        Assert.Equal(2, begun);
        Assert.All(cluster.Trainer.Cohorts, cohort => Assert.NotNull(cohort.Checkpoint));
    }

    [Fact]
    public async Task Trial_FailsBeforeItGoesOn_KeepsTheEpochsThatItWentOnFrom()
    {
        await using var cluster = await SlotCluster.StartAsync();
        var sweep = SweepFile.Parse(SlotCluster.Text("0.1, 0.3", 4), "sweep").Sweep!;
        await SavedAsync(cluster, sweep, ["good-2", "good-2"]);
        await File.WriteAllTextAsync(Path.Combine(cluster.Folder.Checkpoints, "good-2"), "2");
        cluster.Trainer.BeforeStart = _ => throw new InvalidOperationException("no libtorch");

        await cluster.SubmitAsync("0.1, 0.3", 4);
        await cluster.FinishedAsync();

        Assert.All((await cluster.ResultsAsync()).Values, result => Assert.Equal((Outcome.Failed, 2), (result.Outcome, result.Epochs)));
        Assert.Equal("0:1|1:1|2:1", await cluster.TextAsync("SELECT group_concat(epoch || ':' || fence, '|') FROM epochs WHERE trial = 1"));
        Assert.Equal("0:1|1:1|2:1", await cluster.TextAsync("SELECT group_concat(epoch || ':' || fence, '|') FROM epochs WHERE trial = 2"));
    }

    [Fact]
    public async Task Cohort_FailsLate_ItsPartsGoOnFromWhatItSavedLast()
    {
        await using var cluster = await SlotCluster.StartAsync(checkpointInterval: TimeSpan.Zero);
        var trained = new List<(int Trials, int Epoch)>();
        cluster.Trainer.BeforeEpoch = (trials, epoch) =>
        {
            trained.Add((trials.Count, epoch));
            if (epoch == 4 && trials.Count > 1)
                throw new InsufficientMemoryException();
        };

        await cluster.SubmitAsync("0.1, 0.3", epochs: 4);
        await cluster.FinishedAsync();

        Assert.Equal([(2, 1), (2, 2), (2, 3), (2, 4), (1, 4), (1, 4)], trained);
        Assert.All((await cluster.ResultsAsync()).Values, result => Assert.Equal((Outcome.Completed, 4, 1), (result.Outcome, result.Epochs, result.Fence)));
        Assert.Equal("0|1|2|3|4", await cluster.TextAsync("SELECT group_concat(epoch, '|') FROM epochs WHERE trial = 2"));
    }

    [Fact]
    public async Task Slots_StoppingAndCannotSave_GiveTheTrialBack()
    {
        await using var cluster = await SlotCluster.StartAsync();
        var begun = new TaskCompletionSource();
        cluster.Trainer.BeforeEpoch = (_, _) => begun.TrySetResult();
        cluster.Trainer.BeforeSave = () => throw new InvalidOperationException("no tensor");
        await cluster.SubmitAsync("0.1", Endless);
        await begun.Task;

        await cluster.StopSlotsAsync();

        var overview = await cluster.OverviewAsync();
        Assert.Equal((1, 0, SweepStatus.Running), (overview.Waiting, overview.Leased, overview.Status));
    }

    [Fact]
    public async Task Slots_StoppingWhileARunFails_GiveTheTrialBack()
    {
        await using var cluster = await SlotCluster.StartAsync();
        using var gate = new ManualResetEventSlim();
        var begun = new TaskCompletionSource();
        cluster.Trainer.BeforeEpoch = (_, _) =>
        {
            begun.TrySetResult();
            gate.Wait();
            throw new InvalidOperationException("no gradient");
        };
        await cluster.SubmitAsync("0.1", Endless);
        await begun.Task;

        var stopped = cluster.StopSlotsAsync();
        gate.Set();
        await stopped;

        var overview = await cluster.OverviewAsync();
        Assert.Equal((1, 0, SweepStatus.Running), (overview.Waiting, overview.Leased, overview.Status));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Slots_StoppingInALongEpoch_BreakOffOnlyWhatCanBeSavedWithinIt(bool savesWithinEpochs)
    {
        await using var cluster = await SlotCluster.StartAsync(savableEpochPatience: TimeSpan.FromMilliseconds(1));
        cluster.Trainer.SavesWithinEpochs = savesWithinEpochs;
        using var gate = new ManualResetEventSlim();
        var begun = new TaskCompletionSource();
        cluster.Trainer.BeforeEpoch = (_, epoch) =>
        {
            if (epoch < 3)
                return;
            begun.TrySetResult();
            // A run that cannot be saved within the epoch is waited for; the token of one that can is cancelled.
            if (savesWithinEpochs)
                gate.Wait(cluster.Trainer.Stop);
            else
                gate.Wait(CancellationToken.None);
        };
        await cluster.SubmitAsync("0.1", Endless);
        await begun.Task;

        var stopped = cluster.StopSlotsAsync();
        if (!savesWithinEpochs)
            gate.Set();
        await stopped.WaitAsync(TimeSpan.FromSeconds(60));

        var file = Assert.Single(Directory.GetFiles(cluster.Folder.Checkpoints));
        Assert.Equal(savesWithinEpochs ? "2" : "3", await File.ReadAllTextAsync(file));
        Assert.Equal([Path.GetFileName(file)], await cluster.Store.Reader.ReadCheckpointsAsync());
        Assert.Equal(savesWithinEpochs ? 2 : 3, await cluster.CountAsync("SELECT checkpoint_epoch FROM trials WHERE lease IS NULL"));
    }

    [Fact]
    public async Task Slots_Stopping_SaveWhatTheyHaveTrained()
    {
        await using var cluster = await SlotCluster.StartAsync();
        var far = new TaskCompletionSource();
        cluster.Trainer.BeforeEpoch = (_, epoch) =>
        {
            if (epoch == 3)
                far.TrySetResult();
        };
        await cluster.SubmitAsync("0.1, 0.3", Endless);
        await far.Task;

        await cluster.StopSlotsAsync();

        var file = Assert.Single(Directory.GetFiles(cluster.Folder.Checkpoints));
        Assert.Equal([Path.GetFileName(file)], await cluster.Store.Reader.ReadCheckpointsAsync());
        var epoch = long.Parse(await File.ReadAllTextAsync(file));
        Assert.Equal(2, await cluster.CountAsync($"SELECT COUNT(*) FROM trials WHERE checkpoint_epoch = {epoch} AND lease IS NULL"));
        Assert.Equal(epoch, await cluster.CountAsync("SELECT MAX(epoch) FROM epochs"));
    }

    [Fact]
    public async Task Trials_OfSeveralCheckpoints_AreTrainedApart()
    {
        await using var cluster = await SlotCluster.StartAsync();
        var sweep = SweepFile.Parse(SlotCluster.Text("0.1, 0.2, 0.3, 0.4, 0.5", 4), "sweep").Sweep!;
        await SavedAsync(cluster, sweep, ["good-2", "missing-2", null, "good-2", "damaged-2"]);
        await File.WriteAllTextAsync(Path.Combine(cluster.Folder.Checkpoints, "good-2"), "2");
        await File.WriteAllTextAsync(Path.Combine(cluster.Folder.Checkpoints, "damaged-2"), "?");

        await cluster.SubmitAsync("0.1, 0.2, 0.3, 0.4, 0.5", 4);
        await cluster.FinishedAsync();

        Assert.Equal(
            [(2, "good-2"), (1, "missing-2"), (1, null), (1, null), (1, "damaged-2"), (1, null)],
            cluster.Trainer.Cohorts.Select(cohort => (cohort.Trials.Length, Path.GetFileName(cohort.Checkpoint))));
        var results = await cluster.ResultsAsync();
        Assert.All(results.Values, result => Assert.Equal((Outcome.Completed, 4, 2), (result.Outcome, result.Epochs, result.Fence)));
        Assert.Equal(
            ["0:1|1:1|2:1|3:2|4:2", "0:2|1:2|2:2|3:2|4:2", "0:2|1:2|2:2|3:2|4:2", "0:1|1:1|2:1|3:2|4:2", "0:2|1:2|2:2|3:2|4:2"],
            await Task.WhenAll(Enumerable.Range(1, 5).Select(key => cluster.TextAsync(
                $"SELECT group_concat(epoch || ':' || fence, '|') FROM epochs WHERE trial = {key}"))));
        Assert.Empty(await cluster.Store.Reader.ReadCheckpointsAsync());
    }

    /// <summary>Stores a sweep as a silo leaves it that died in the fourth epoch.</summary>
    /// <param name="files">What each cell's trial was saved as after the second.</param>
    private static async Task SavedAsync(SlotCluster cluster, Sweep sweep, string?[] files)
    {
        await cluster.Store.CreateAsync(SlotCluster.SweepId, 1, sweep);
        var coordinator = (await cluster.Store.OpenAsync(SlotCluster.SweepId))!.Coordinator;
        var limits = sweep.Cells.Select(cell => cell.Configuration.FusionKey).Distinct()
            .ToImmutableDictionary(key => key, _ => new CohortLimit(10, AcrossReplicates: true));
        var leased = (await cluster.Store.GrantAsync(coordinator, Sample.Request(limits))).Trials;
        await cluster.Store.WriteAsync(
        [
            .. leased.SelectMany((trial, at) => Enumerable.Range(0, 4).Select(epoch =>
                Sample.Epoch(trial, epoch) with { Checkpoint = epoch == 2 ? files[at] : null })),
        ]);
        await cluster.Store.ReleaseAllAsync();
    }

    [Theory]
    [InlineData("keep: none", false)]
    [InlineData("keep: all", true)]
    [InlineData("", true)]
    public async Task Cohort_OfASweep_KeepsModelsAsItsFileSays(string keep, bool kept)
    {
        await using var cluster = await SlotCluster.StartAsync();

        await cluster.SubmitAsync("0.1", epochs: 1, keep);
        await cluster.FinishedAsync();

        Assert.Equal(kept, Assert.Single(cluster.Trainer.Cohorts).Models is not null);
    }
}
