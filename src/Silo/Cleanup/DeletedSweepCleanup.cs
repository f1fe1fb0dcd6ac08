using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Silo.Monitoring;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo.Cleanup;

/// <summary>Removes the rows and files of deleted sweeps in chunks, so that other calls to the store do not wait long.</summary>
internal sealed class DeletedSweepCleanup(
    ISweepStore store, ISweepReader reader, DataFolder folder, CleanupElection election, TimeProvider time, ILogger<DeletedSweepCleanup> log)
    // Logged as an error, so that a user who waits for the removal sees it.
    : PeriodicService(TimeSpan.FromSeconds(2), new("Deleted sweeps cannot be removed.", LogLevel.Error, log, time), time)
{
    private const int Chunk = 500;

    protected override async Task RunAsync(CancellationToken stopping)
    {
        if (!election.IsWon)
            return;
        foreach (var sweepId in await reader.TombstonesAsync())
            await TryAsync(sweepId, () => RemoveAsync(sweepId, stopping), stopping);
    }

    private async Task RemoveAsync(string sweepId, CancellationToken stopping)
    {
        TryDelete(sweepId, () => FileDeletion.DeleteFolder(Path.Combine(folder.Models, sweepId), stopping));
        RemovedChunk removed;
        do
        {
            stopping.ThrowIfCancellationRequested();
            removed = await store.RemoveAsync(sweepId, Chunk);
            TryDelete(sweepId, () => FileDeletion.DeleteAll(
                removed.Checkpoints.Select(checkpoint => new FileInfo(Path.Combine(folder.Checkpoints, checkpoint))), stopping));
        }
        while (removed.More);
    }

    /// <summary>Deletes files. Rows are removed even if that fails: <see cref="StaleFileCleanup"/> retries it.</summary>
    private void TryDelete(string sweepId, Action delete)
    {
        try
        {
            delete();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            log.LogError("Some files of {Sweep}, which is deleted, could not be removed; that is tried again each minute while a silo runs. {Reason}",
                sweepId, error.Message);
        }
    }
}
