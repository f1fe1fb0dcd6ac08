using System.Diagnostics;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Silo.Tests;
using DeepTrain.Cluster.Training.Data;

namespace DeepTrain.Cluster.Client.Tests;

public sealed class SweepFilesTests
{
    [Fact]
    public async Task ReadAsync_PipeThatStaysSilent_EndsWhenCancelled()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such files.");
        using var folder = new TemporaryFolder();
        using (var make = Process.Start("mkfifo", folder["pipe"]))
            await make.WaitForExitAsync();
        // Holds the other end open, and says nothing.
        await using var silent = new FileStream(folder["pipe"], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        using var interruption = new CancellationTokenSource();
        var reading = SweepFiles.ReadAsync(folder["pipe"], DatasetSources.Default, interruption.Token);
        Assert.False(reading.IsCompleted);

        await interruption.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.WaitAsync(TimeSpan.FromMinutes(1)));
    }
}
