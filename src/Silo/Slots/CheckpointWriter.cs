using DeepTrain.Cluster.Grains.Monitoring;
using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Silo.Monitoring;
using DeepTrain.Cluster.Sweeps.Trainers;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo.Slots;

/// <summary>Writes and deletes the checkpoints of this silo's runs.</summary>
internal sealed class CheckpointWriter(
    DataFolder folder, SlotSettings settings, ClusterMetrics metrics, TimeProvider time, ILogger<CheckpointWriter> log)
{
    private readonly OutageLog _outage = new(
        $"No checkpoint could be written into {folder.Checkpoints}: is the disk full? Training goes on; what dies now is trained again, "
        + "and what other sweeps or a pause wait for is not given back before it is saved.",
        LogLevel.Error, log, time);

    /// <summary>Returns the checkpoints of a run that begins.</summary>
    /// <param name="name">The prefix of its files' names; no other run has it.</param>
    public RunCheckpoints Begin(HeldLease lease, string name) => new(this, name, lease, settings.CheckpointInterval, time);

    /// <returns>False if it could not be written; the run continues without it.</returns>
    public bool TryWrite(ITrainingRun run, string file)
    {
        var began = time.GetTimestamp();
        using var span = SweepTraces.Begin("checkpoint");
        try
        {
            var path = Path.Combine(folder.Checkpoints, file);
            run.Save(path);
            var (bytes, took) = (new FileInfo(path).Length, time.GetElapsedTime(began));
            metrics.CheckpointWritten(bytes, took);
            log.LogInformation("Checkpoint {File} is written: {Bytes} bytes after epoch {Epoch} in {Seconds:0.00} s.", file, bytes, run.Epoch, took.TotalSeconds);
            _outage.Succeeded();
            return true;
        }
        catch (Exception error)
        {
            // No failure to write a checkpoint affects the trials.
            metrics.CheckpointFailed();
            _outage.Failed(error);
            return false;
        }
    }

    public void Delete(string file)
    {
        try
        {
            File.Delete(Path.Combine(folder.Checkpoints, file));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            log.LogWarning(error, "Checkpoint {File}, which is no longer needed, could not be deleted; it is tried again in an hour.", file);
        }
    }
}
