using System.Collections.Immutable;
using DeepTrain.Cluster.Client.Tests;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Cleanup;
using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Sweeps.Spec;
using Microsoft.Extensions.Logging.Abstractions;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class StaleFileCleanupTests
{
    [Fact]
    public async Task RunRoundAsync_Checkpoints_DeletesThoseThatAreOldAndUnreferenced()
    {
        var (fixture, coordinator) = await StoreFixture.CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        var leased = Assert.Single(await fixture.GrantAsync(coordinator, Sample.Request(1)));
        await fixture.Store.WriteAsync([Sample.Epoch(leased, 1) with { Checkpoint = "used-1" }]);
        using var folder = new TemporaryFolder();
        var data = new DataFolder(folder.Root);
        Directory.CreateDirectory(data.Checkpoints);
        foreach (var (name, minutes) in ((string, int)[])[("used-1", 90), ("old-1", 61), ("new-1", 59), ("draft.part", 61)])
        {
            File.WriteAllText(Path.Combine(data.Checkpoints, name), "");
            File.SetLastWriteTimeUtc(Path.Combine(data.Checkpoints, name), (fixture.Time.GetUtcNow() - TimeSpan.FromMinutes(minutes)).UtcDateTime);
        }
        var cleanup = Cleanup(data, fixture.Store.Reader, fixture.Time);

        await cleanup.RunRoundAsync(CancellationToken.None);
        Assert.Equal(["new-1", "used-1"], Names(data.Checkpoints));

        fixture.Time.Advance(TimeSpan.FromMinutes(2));
        await fixture.Store.WriteAsync([Sample.Completion(leased, 2)]);
        await cleanup.RunRoundAsync(CancellationToken.None);
        Assert.Empty(Names(data.Checkpoints));
    }

    [Theory]
    [InlineData(Keep.Best, SweepStatus.Running, "a1 a2 b1 b2")]
    [InlineData(Keep.Best, SweepStatus.Paused, "a1 a2 b1 b2")]
    [InlineData(Keep.Best, SweepStatus.Finished, "b1 b2")]
    [InlineData(Keep.Best, SweepStatus.Cancelled, "a1 a2 b1 b2")]
    [InlineData(Keep.None, SweepStatus.Cancelled, "")]
    [InlineData(Keep.All, SweepStatus.Finished, "a1 a2 b1 b2")]
    [InlineData(Keep.None, SweepStatus.Finished, "")]
    public async Task RunRoundAsync_Models_StayAsTheSweepsFileSays(Keep keep, SweepStatus status, string stay)
    {
        await using var fixture = await StoreFixture.CreateAsync();
        var sweep = SweepFile.Parse(
            SlotCluster.Text("0.1, 0.2", epochs: 2, $"replicates: 2\nkeep: {$"{keep}".ToLowerInvariant()}"), "sweep").Sweep!;
        Assert.True(await fixture.Store.CreateAsync(Sample.SweepId, 1, sweep));
        var coordinator = (await fixture.Store.OpenAsync(Sample.SweepId))!.Coordinator;
        var cells = sweep.Cells.Select(cell => cell.Id).ToList();
        var trials = await fixture.GrantAsync(coordinator, Sample.Request(sweep.Cells.Select(cell => cell.Configuration.FusionKey).Distinct()
            .ToImmutableDictionary(key => key, _ => new CohortLimit(10, AcrossReplicates: true))));
        // The second cell is the better one: its accuracy is 1 - 1/2.
        await fixture.Store.WriteAsync([.. trials.Select(trial => Sample.Completion(trial, trial.Trial.Cell == cells[0] ? 1 : 2))]);
        if (status is SweepStatus.Paused)
            Assert.True(await fixture.Store.PauseAsync(coordinator));
        else if (status is SweepStatus.Cancelled)
            await fixture.Store.CancelAsync(coordinator);
        else if (status is SweepStatus.Finished)
            Assert.Equal(SweepStatus.Finished, await fixture.Store.FinishAsync(coordinator));
        Assert.Equal(status, (await fixture.Store.Reader.FindAsync(Sample.SweepId, CancellationToken.None))!.Status);
        using var folder = new TemporaryFolder();
        var data = new DataFolder(folder.Root);
        var models = Path.Combine(data.Models, Sample.SweepId);
        Directory.CreateDirectory(models);
        foreach (var trial in trials)
            File.WriteAllText(Path.Combine(models, Training.Checkpoints.Model.FileName(trial.Trial)), "");

        await Cleanup(data, fixture.Store.Reader, fixture.Time).RunRoundAsync(CancellationToken.None);

        Assert.Equal(stay, string.Join(' ', Names(models).Select(name =>
            $"{(name.StartsWith(cells[0], StringComparison.Ordinal) ? "a" : "b")}{name.Split("-r")[1][0]}").Order()));
    }

    [Fact]
    public async Task RunRoundAsync_ModelsOfASweepThatWasDeletedWhileItTrained_AreDeleted()
    {
        var (fixture, coordinator) = await StoreFixture.CreateAsync(Sample.Sweep(1, 1));
        await using var owned = fixture;
        using var folder = new TemporaryFolder();
        var data = new DataFolder(folder.Root);
        // What a store does not know may be of a time that it has lost.
        foreach (var sweep in (string[])[Sample.SweepId, "digits-2", "other-1", "mine"])
        {
            Directory.CreateDirectory(Path.Combine(data.Models, sweep));
            File.WriteAllText(Path.Combine(data.Models, sweep, "model"), "");
        }
        var cleanup = Cleanup(data, fixture.Store.Reader, fixture.Time);

        await cleanup.RunRoundAsync(CancellationToken.None);
        Assert.Equal(["digits-1", "digits-2", "mine", "other-1"], Folders(data.Models));

        Assert.True(await fixture.Store.DeleteAsync(coordinator));
        await cleanup.RunRoundAsync(CancellationToken.None);
        Assert.Equal(["digits-2", "mine", "other-1"], Folders(data.Models));
    }

    [Fact]
    public async Task RunRoundAsync_OneThingFails_CleansTheOthers()
    {
        await using var fixture = await StoreFixture.CreateAsync();
        using var folder = new TemporaryFolder();
        var data = new DataFolder(folder.Root);
        Directory.CreateDirectory(Path.Combine(data.Models, "a-1"));
        Directory.CreateDirectory(Path.Combine(data.Models, "b-1"));
        var draft = Path.Combine(data.Models, "b-1", $"model{Training.Files.DurableFile.DraftExtension}");
        File.WriteAllText(draft, "");
        File.SetLastWriteTimeUtc(draft, (fixture.Time.GetUtcNow() - TimeSpan.FromHours(2)).UtcDateTime);
        var store = Fake<ISweepReader>.Of((method, arguments) => method switch
        {
            nameof(ISweepReader.ReadCheckpointsAsync) => Task.FromException<ImmutableHashSet<string>>(new StoreException("It is away.")),
            nameof(ISweepReader.LatestNumberAsync) when arguments[0] is "a" => Task.FromException<int>(new StoreException("a is broken.")),
            nameof(ISweepReader.LatestNumberAsync) => Task.FromResult(1),
            _ => Task.FromResult<SweepOverview?>(null),
        });

        await Cleanup(data, store, fixture.Time).RunRoundAsync(CancellationToken.None);

        Assert.False(File.Exists(draft));
        Assert.Equal(["a-1"], Folders(data.Models));
    }

    [Fact]
    public async Task RunRoundAsync_Cancelled_Ends()
    {
        await using var fixture = await StoreFixture.CreateAsync();
        using var folder = new TemporaryFolder();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Cleanup(new(folder.Root), fixture.Store.Reader, fixture.Time).RunRoundAsync(new(canceled: true)));
    }

    [Fact]
    public void DeleteAll_OneCannotBeDeleted_DeletesTheOthersAndNamesIt()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["b"]);
        foreach (var name in (string[])["a", "c"])
            File.WriteAllText(folder[name], "");

        var error = Assert.Throws<IOException>(() =>
            FileDeletion.DeleteAll([new(folder["a"]), new(folder["b"]), new(folder["c"]), new(folder["none"]), new(Path.Combine(folder["gone"], "none"))],
                CancellationToken.None));

        Assert.StartsWith($"{folder["b"]} cannot be deleted: ", error.Message, StringComparison.Ordinal);
        Assert.Empty(Names(folder.Root));
    }

    private static StaleFileCleanup Cleanup(DataFolder data, ISweepReader store, TimeProvider time) =>
        new(data, store, Elections.Won, time, NullLogger<StaleFileCleanup>.Instance);

    private static IEnumerable<string?> Folders(string folder) => Directory.GetDirectories(folder).Select(Path.GetFileName).Order();

    private static IEnumerable<string> Names(string folder) => Directory.GetFiles(folder).Select(path => Path.GetFileName(path)).Order();
}
