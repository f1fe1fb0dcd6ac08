using DeepTrain.Cluster.Silo.Cleanup;
using DeepTrain.Cluster.Sweeps.Trainers;

namespace DeepTrain.Cluster.Silo.Slots;

/// <summary>The checkpoints of one run: when the next is due, its name, and when the previous one can be deleted.</summary>
/// <param name="name">The prefix of its files' names; no other run has it.</param>
/// <param name="interval">The time between two saves of the run.</param>
internal sealed class RunCheckpoints(CheckpointWriter files, string name, HeldLease lease, TimeSpan interval, TimeProvider time)
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(5);

    private long _triedAt = time.GetTimestamp();
    private bool _hasFailed;
    private string? _last;
    private int _refusals = lease.Refusals;

    public bool IsDue => time.GetElapsedTime(_triedAt) >= interval;

    /// <summary>Whether a run that must yield should be saved now: at once, unless saving has failed a short time ago.</summary>
    public bool IsWorthTrying => !_hasFailed || time.GetElapsedTime(_triedAt) >= RetryPause;

    /// <returns>The file's name; null if it could not be written. The run then continues without it.</returns>
    public string? Save(ITrainingRun run)
    {
        var file = $"{name}-{run.Epoch}.safetensors";
        _triedAt = time.GetTimestamp();
        _hasFailed = !files.TryWrite(run, file);
        return _hasFailed ? null : file;
    }

    /// <summary>Takes over the checkpoint that the store now names, null if none of this run, and deletes the previous one.</summary>
    /// <remarks>
    /// The previous one is kept if a trial was taken over since then: its new worker may be reading that file, and
    /// <see cref="StaleFileCleanup"/> deletes it later. No trial that was taken over resumes from a later file.
    /// </remarks>
    public void Follow(string? file)
    {
        var refusals = lease.Refusals;
        if (_last is { } previous && previous != file && refusals == _refusals)
            files.Delete(previous);
        (_last, _refusals) = (file, refusals);
    }
}
