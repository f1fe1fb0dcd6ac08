using DeepTrain.Cluster.Sweeps;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo;

/// <summary>The checkpoints of one run: when the next is due, where it goes, and when the one before it can go.</summary>
/// <param name="folder">Where checkpoints lie.</param>
/// <param name="name">What the names of its files begin with; no other run has it.</param>
internal sealed class RunCheckpoints(string folder, string name, HeldLease lease, TimeSpan interval, TimeProvider time, ILogger log)
{
    private long _savedAt = time.GetTimestamp();
    private string? _last;

    public bool IsDue => time.GetElapsedTime(_savedAt) >= interval;

    /// <returns>The file's name. Null: it could not be written, and the run goes on without.</returns>
    public string? Save(ITrainingRun run)
    {
        var file = $"{name}-{run.Epoch}.safetensors";
        _savedAt = time.GetTimestamp();
        try
        {
            run.Save(Path.Combine(folder, file));
            return file;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            log.LogError(error, "No checkpoint could be written into {Folder}: is the disk full? Training goes on; what dies now is trained again.",
                folder);
            return null;
        }
    }

    /// <summary>What the store now says to go on from; null: nothing of this run. Whatever came before is of no use.</summary>
    /// <remarks>Unless a trial was taken over meanwhile: then another may be reading it, and the janitor finds it later.</remarks>
    public void Follow(string? file)
    {
        if (_last is { } previous && previous != file && !lease.AnyRefused)
            TryDelete(Path.Combine(folder, previous));
        _last = file;
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
