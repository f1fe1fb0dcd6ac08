using DeepTrain.Cluster.Servers;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>PostgreSQL's own disk is full.</summary>
public sealed class FullServerDiskTests(ITestOutputHelper output)
{
    private static readonly SweepText Sweep = new("full") { Epochs = [400], Replicates = 4 };

    [Fact]
    public async Task Postgres_OnADiskThatFillsUp_SaysSoAndTheSweepGoesOnWithMoreSpace()
    {
        PostgresServer.SkipWhereMissing();
        var folder = Directory.CreateTempSubdirectory("deeptrain-disk-").FullName;
        try
        {
            using var disk = SmallDisk.On(folder, "512m");
            await using var cluster = await TestCluster.StartAloneAsync(() => PostgresServer.StartOnAsync(folder));
            await cluster.AddAsync(new SiloSetup("coordinator"), new SiloSetup("worker"));
            var sweep = await cluster.SubmitAsync(Sweep);
            await cluster.Until(() => cluster.Store.EpochCount(sweep) > Sweep.Trials, "the first epochs");

            disk.LeaveNoSpace();
            await cluster.Until(() => cluster.Silos.Any(silo => silo.Said.Contains("its disk is full", StringComparison.Ordinal)),
                "a silo to say what is wrong");
            var (epochs, ended) = cluster.Store.Progress(sweep);
            Assert.NotEqual("Finished", cluster.Store.Status(sweep));
            output.WriteLine($"full after {epochs} epochs and {ended} results");
            disk.Become("size=512m");

            // It goes on by itself: what could not be written is written now.
            await cluster.UntilFinished(sweep);
            Assert.Equal(await Workplace.ResultsAsync(Sweep), cluster.Store.Trials(sweep).Select(trial => trial.Result));
            Assert.All(cluster.Silos, silo => Assert.False(silo.HasExited, silo.Errors));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
