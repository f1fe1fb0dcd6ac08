using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Grains.Tests;
using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Silo.Hosting;
using DeepTrain.Cluster.Silo.Settings;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class EmbeddedSiloTests
{
    [Fact]
    public async Task StartAsync_OfARun_LogsItsSettingsEachCohortAndEachCheckpoint()
    {
        using var folder = new TemporaryFolder();
        var settings = new EmbeddedSettings(Slots: 1, MetricsPort: null, message => Assert.Fail(message)) { CheckpointInterval = TimeSpan.Zero };
        using (var ownership = DataFolderLock.TryAcquire(new(folder["data"]))!)
        {
            await using var silo = await EmbeddedSilo.StartAsync(ownership, settings, TimeProvider.System, CancellationToken.None);
            await silo.Grains.Sweep(SlotCluster.SweepId).Submit(SlotCluster.Text("0.1, 0.2", epochs: 2), asNew: false);
            await Eventually.True(
                async () => (await silo.Reader.FindAsync(SlotCluster.SweepId, CancellationToken.None))?.Status is SweepStatus.Finished, "the sweep to finish");
        }

        var lines = File.ReadAllLines(Assert.Single(Directory.GetFiles(new DataFolder(folder["data"]).Logs)));
        foreach (var what in (string[])
            [
                $" owns the data folder {folder["data"]}. Leases last 30 s, a run is saved each 0 s, ending takes 120 s at most; ",
                "It trains in 1 slots on cpu: ",
                " trials of digits-1 under lease ",
                "0 of them go on from a checkpoint.",
                " bytes after epoch 1 in ",
                "Sweep digits-1 has ended: \"Finished\".",
            ])
            Assert.True(lines.Any(line => line.Contains(what, StringComparison.Ordinal)), $"No line has '{what}':\n{string.Join('\n', lines)}");
        Assert.InRange(lines.Count(line => line.Contains("[INF]", StringComparison.Ordinal)), 6, 10);
    }

    [Fact]
    public async Task StartAsync_OfASiloAlone_StartsNoCommandThatItsSettingsDoNotList()
    {
        using var folder = new TemporaryFolder();
        var variables = new Dictionary<string, string>
        {
            ["DEEPTRAIN_DATA"] = folder["data"], ["DEEPTRAIN_SLOTS"] = "1", ["DEEPTRAIN_METRICS_PORT"] = "0", ["DEEPTRAIN_PROBE_SECONDS"] = "3",
            ["DEEPTRAIN_COMMANDS"] = "sh other.sh",
        };
        var settings = EmbeddedSettings.OfSilo(SettingsReader.Read(null, variables).Settings!, _ => { });
        using var ownership = DataFolderLock.TryAcquire(new(folder["data"]))!;
        await using var silo = await EmbeddedSilo.StartAsync(ownership, settings, TimeProvider.System, CancellationToken.None);

        await silo.Grains.Sweep("mine-1").Submit($$"""
            name: mine
            trainer: { command: [sh, -c, 'echo >{{folder["started"]}}'] }
            training: { epochs: 1 }
            space: { learningRate: [0.1] }
            """, asNew: false);
        await Eventually.True(
            async () => (await silo.Reader.FindAsync("mine-1", CancellationToken.None))?.Status is SweepStatus.Finished, "the sweep to finish");

        var failure = Assert.Single(await silo.Reader.ReadResultsAsync("mine-1", CancellationToken.None)).Failure!;
        Assert.Equal(FailureClass.CodeError, failure.Class);
        Assert.Contains(CommandPolicy.Setting, failure.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(folder["started"]));
        Assert.Equal(TimeSpan.FromSeconds(3), settings.ProbeTimeout);
    }
}
