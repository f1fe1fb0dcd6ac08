using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Sweeps;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo;

/// <summary>The checkpoints of one run: when the next is due, where it goes, and when the one before it can go.</summary>
/// <param name="folder">Where checkpoints lie.</param>
/// <param name="name">What the names of its files begin with; no other run has it.</param>
internal sealed class RunCheckpoints(string folder, string name, HeldLease lease, TimeSpan interval, ClusterMetrics metrics, TimeProvider time, ILogger log)
{
    private long _savedAt = time.GetTimestamp();
    private string? _last;
    private int _refusals = lease.Refusals;

    public bool IsDue => time.GetElapsedTime(_savedAt) >= interval;

    /// <returns>The file's name. Null: it could not be written, and the run goes on without.</returns>
    public string? Save(ITrainingRun run)
    {
        var file = $"{name}-{run.Epoch}.safetensors";
        _savedAt = time.GetTimestamp();
        using var span = SweepTraces.Begin("checkpoint");
        try
        {
            var path = Path.Combine(folder, file);
            run.Save(path);
            var (bytes, took) = (new FileInfo(path).Length, time.GetElapsedTime(_savedAt));
            metrics.CheckpointWritten(bytes, took);
            log.LogInformation("Checkpoint {File} is written: {Bytes} bytes after epoch {Epoch} in {Seconds:0.00} s.", file, bytes, run.Epoch, took.TotalSeconds);
            return file;
        }
        catch (Exception error)
        {
            // Whatever it was, no trial is the worse for it.
            metrics.CheckpointFailed();
            log.LogError(error, "No checkpoint could be written into {Folder}: is the disk full? Training goes on; what dies now is trained again.",
                folder);
            return null;
        }
    }

    /// <summary>What the store now says to go on from; null: nothing of this run. Whatever came before is of no use.</summary>
    /// <remarks>
    /// Unless a trial was taken over since: then another may be reading what was the last file until then, and <see cref="StaleFileCleanup"/> finds it later.
    /// No trial that was taken over goes on from a later one.
    /// </remarks>
    public void Follow(string? file)
    {
        var refusals = lease.Refusals;
        if (_last is { } previous && previous != file && refusals == _refusals)
            TryDelete(Path.Combine(folder, previous));
        (_last, _refusals) = (file, refusals);
    }

    private void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            log.LogWarning(error, "A checkpoint that is over could not be deleted; it is tried again in an hour.");
        }
    }
}
