using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class ResultWriterTests
{
    [Fact]
    public async Task Store_FailsTwice_NothingIsLost()
    {
        await using var cluster = await SlotCluster.StartAsync(failingWrites: 2);

        await cluster.SubmitAsync("0.1, 0.3, 0.5", epochs: 7);
        await cluster.FinishedAsync();

        Assert.Equal(21, await cluster.CountAsync("SELECT COUNT(*) FROM epochs WHERE epoch > 0"));
        Assert.All((await cluster.ResultsAsync()), result => Assert.Equal(
            (Outcome.Completed, 7, result.Key), (result.Value.Outcome, result.Value.Epochs, result.Value.ValidationAccuracy!.Value)));
        var progress = await cluster.Sweep.GetProgress();
        Assert.Equal((3, 0, 0), (progress!.Completed, progress.Running, progress.Waiting));
    }
}
