using DeepTrain.Cluster.Grains;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo;

/// <summary>Keeps the data folder clean: checkpoints that no trial goes on from, and models that their sweep does not keep.</summary>
/// <remarks>A file is at least an hour old before it counts as left behind: the row that names it may still be on its way.</remarks>
internal sealed class Janitor(DataFolder folder, ISweepReader store, TimeProvider time, ILogger<Janitor> log) : BackgroundService
{
    private static readonly TimeSpan Round = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Respite = TimeSpan.FromHours(1);

    private readonly KeptModels _models = new(folder, store);
    private readonly Outage _outage = new("Files that are over cannot be cleaned up.", LogLevel.Warning, log, time);

    /// <summary>Slots and the writer have ended before: what is finished now is final.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await CleanAsync();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Round, time);
        do
            await CleanAsync();
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    internal async Task CleanAsync()
    {
        try
        {
            var referenced = await store.ReadCheckpointsAsync();
            DeleteOld(Files(folder.Checkpoints).Where(file => !referenced.Contains(file.Name)));
            DeleteOld(Directory.Exists(folder.Models)
                ? new DirectoryInfo(folder.Models).EnumerateFiles($"*{Training.DurableFile.DraftExtension}", SearchOption.AllDirectories)
                : []);
            await _models.CleanAsync();
            _outage.Succeeded();
        }
        catch (Exception error)
        {
            _outage.Failed(error);
        }
    }

    private void DeleteOld(IEnumerable<FileInfo> files)
    {
        foreach (var file in files.Where(file => time.GetUtcNow() - file.LastWriteTimeUtc > Respite).ToList())
            file.Delete();
    }

    private static IEnumerable<FileInfo> Files(string path) => Directory.Exists(path) ? new DirectoryInfo(path).EnumerateFiles() : [];
}
