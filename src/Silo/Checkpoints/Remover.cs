using DeepTrain.Cluster.Grains;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo;

/// <summary>Removes what is left of deleted sweeps, chunk by chunk, so that nobody else waits long for the store.</summary>
internal sealed class Remover(ISweepStore store, ISweepReader reader, DataFolder folder, TimeProvider time, ILogger<Remover> log)
    : BackgroundService
{
    private const int Chunk = 500;

    private static readonly TimeSpan Round = TimeSpan.FromSeconds(2);

    private readonly Outage _outage = new("Deleted sweeps cannot be removed.", LogLevel.Warning, log, time);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Round, time);
        do
        {
            try
            {
                foreach (var sweepId in await reader.TombstonesAsync())
                    await RemoveAsync(sweepId, stoppingToken);
                _outage.Succeeded();
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                _outage.Failed(exception);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task RemoveAsync(string sweepId, CancellationToken stopping)
    {
        RemovedChunk removed;
        do
        {
            stopping.ThrowIfCancellationRequested();
            // The models first: with its last row the sweep is not found here again.
            if (Path.Combine(folder.Models, sweepId) is var models && Directory.Exists(models))
                Directory.Delete(models, recursive: true);
            removed = await store.RemoveAsync(sweepId, Chunk);
            foreach (var checkpoint in removed.Checkpoints)
                File.Delete(Path.Combine(folder.Checkpoints, checkpoint));
        }
        while (removed.More);
    }
}
