using System.Collections.Immutable;
using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Sweeps;
using Microsoft.Extensions.Logging.Abstractions;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class JanitorTests
{
    [Fact]
    public async Task CleanAsync_Checkpoints_DeletesThoseThatAreOldAndUnreferenced()
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
        var janitor = new Janitor(data, fixture.Store.Reader, fixture.Time, NullLogger<Janitor>.Instance);

        await janitor.CleanAsync();
        Assert.Equal(["new-1", "used-1"], Names(data.Checkpoints));

        fixture.Time.Advance(TimeSpan.FromMinutes(2));
        await fixture.Store.WriteAsync([Sample.Completion(leased, 2)]);
        await janitor.CleanAsync();
        Assert.Empty(Names(data.Checkpoints));
    }

    [Theory]
    [InlineData(Keep.Best, SweepStatus.Running, "a1 a2 b1 b2")]
    [InlineData(Keep.Best, SweepStatus.Paused, "a1 a2 b1 b2")]
    [InlineData(Keep.Best, SweepStatus.Finished, "b1 b2")]
    [InlineData(Keep.Best, SweepStatus.Cancelled, "b1 b2")]
    [InlineData(Keep.All, SweepStatus.Finished, "a1 a2 b1 b2")]
    [InlineData(Keep.None, SweepStatus.Finished, "")]
    public async Task CleanAsync_Models_StayAsTheSweepsFileSays(Keep keep, SweepStatus status, string stay)
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
            File.WriteAllText(Path.Combine(models, Training.Model.FileName(trial.Trial)), "");

        await new Janitor(data, fixture.Store.Reader, fixture.Time, NullLogger<Janitor>.Instance).CleanAsync();

        Assert.Equal(stay, string.Join(' ', Names(models).Select(name =>
            $"{(name.StartsWith(cells[0], StringComparison.Ordinal) ? "a" : "b")}{name.Split("-r")[1][0]}").Order()));
    }

    private static IEnumerable<string> Names(string folder) => Directory.GetFiles(folder).Select(path => Path.GetFileName(path)).Order();
}
