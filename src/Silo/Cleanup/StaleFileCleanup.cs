using System.Globalization;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Silo.Monitoring;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo.Cleanup;

/// <summary>
/// Deletes checkpoints that no trial resumes from, models that their sweep does not keep or whose sweep is deleted, data files that no
/// sweep names, and unfinished files.
/// </summary>
/// <remarks>A checkpoint is stale only when it is an hour old: the row that names it may not be written yet.</remarks>
internal sealed class StaleFileCleanup(
    DataFolder folder, ISweepReader store, CleanupElection election, TimeProvider time, ILogger<StaleFileCleanup> log)
    : PeriodicService(TimeSpan.FromMinutes(1), new("Stale files cannot be deleted.", LogLevel.Warning, log, time), time)
{
    private static readonly TimeSpan Respite = TimeSpan.FromHours(1);

    private readonly KeptModels _kept = new(store);
    private readonly StaleDataFiles _dataFiles = new(folder, store, time);

    /// <summary>Runs after the slots and the writer have ended, so no more files change.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await RunRoundAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    protected override async Task RunAsync(CancellationToken stopping)
    {
        if (!election.IsWon)
            return;
        await TryAsync("checkpoints", async () =>
        {
            var referenced = await store.ReadCheckpointsAsync();
            FileDeletion.DeleteAll(Files(folder.Checkpoints, "*", SearchOption.TopDirectoryOnly).Where(file => IsOld(file) && !referenced.Contains(file.Name)), stopping);
        }, stopping);
        await TryAsync("unfinished models", () =>
        {
            FileDeletion.DeleteAll(Files(folder.Models, $"*{Training.Files.DurableFile.DraftExtension}", SearchOption.AllDirectories).Where(IsOld), stopping);
            return Task.CompletedTask;
        }, stopping);
        await TryAsync("data files", () => _dataFiles.DeleteAsync(stopping), stopping);
        if (Directory.Exists(folder.Models))
            foreach (var models in new DirectoryInfo(folder.Models).GetDirectories())
                await TryAsync(models.Name, () => CleanModelsAsync(models, stopping), stopping);
    }

    private async Task CleanModelsAsync(DirectoryInfo models, CancellationToken stopping)
    {
        if (await IsDeletedAsync(models.Name, stopping))
            FileDeletion.DeleteFolder(models.FullName, stopping);
        else
            await _kept.CleanAsync(models, stopping);
    }

    /// <summary>Whether a sweep of this id existed: its number was used, and the sweep is gone. A restored store may lack ids.</summary>
    private async Task<bool> IsDeletedAsync(string id, CancellationToken stopping)
    {
        var dash = id.LastIndexOf('-');
        return dash > 0
            && int.TryParse(id.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            // In this order, since a sweep may be created in between.
            && await store.LatestNumberAsync(id[..dash], stopping) >= number
            && await store.FindAsync(id, stopping) is null;
    }

    private bool IsOld(FileInfo file) => Time.GetUtcNow() - file.LastWriteTimeUtc > Respite;

    private static FileInfo[] Files(string path, string pattern, SearchOption where) =>
        Directory.Exists(path) ? new DirectoryInfo(path).GetFiles(pattern, where) : [];
}
