using DeepTrain.Cluster.Silo.Cleanup;
using DeepTrain.Cluster.Sweeps.Trainers;

namespace DeepTrain.Cluster.Silo.Slots;

/// <summary>The checkpoints of one run: when the next is due, what it is called, and when the one before it can go.</summary>
/// <param name="name">What the names of its files begin with; no other run has it.</param>
/// <param name="interval">How long after it was saved last a run is saved again.</param>
internal sealed class RunCheckpoints(CheckpointWriter files, string name, HeldLease lease, TimeSpan interval, TimeProvider time)
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(5);

    private long _triedAt = time.GetTimestamp();
    private bool _hasFailed;
    private string? _last;
    private int _refusals = lease.Refusals;

    public bool IsDue => time.GetElapsedTime(_triedAt) >= interval;

    /// <summary>Whether a run that others wait for is to be saved now: at once, but not soon after that has failed.</summary>
    public bool IsWorthTrying => !_hasFailed || time.GetElapsedTime(_triedAt) >= RetryPause;

    /// <returns>The file's name. Null: it could not be written, and the run goes on without.</returns>
    public string? Save(ITrainingRun run)
    {
        var file = $"{name}-{run.Epoch}.safetensors";
        _triedAt = time.GetTimestamp();
        _hasFailed = !files.TryWrite(run, file);
        return _hasFailed ? null : file;
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
            files.Delete(previous);
        (_last, _refusals) = (file, refusals);
    }
}
