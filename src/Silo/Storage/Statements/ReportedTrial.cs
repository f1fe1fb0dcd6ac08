using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Storage.Statements;

/// <summary>
/// A trial as a batch of reports changes it, with the rules by which a report is judged. Only the fence of the trial's latest lease may
/// write for it.
/// </summary>
/// <param name="key">The trial's row.</param>
/// <param name="deleted">Whether its sweep is a tombstone.</param>
/// <param name="maxAttempts">How often the trial may be tried if it fails for a reason that may be temporary.</param>
internal sealed class ReportedTrial(long key, bool deleted, int maxAttempts)
{
    /// <summary>The longest pause before a trial that failed for a possibly temporary reason is tried again.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    // Each pause is twice as long as the previous one.
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5);

    private readonly List<(EpochReport Report, long Fence)> _written = [];

    public long Key => key;

    public required long Fence { get; set; }

    public required string? Outcome { get; set; }

    /// <summary>The number of epochs at its end; 0 before.</summary>
    public required int Epochs { get; set; }

    public required int Tries { get; set; }

    public required string? Checkpoint { get; set; }

    public required int? CheckpointEpoch { get; set; }

    public required Ailments? AilmentsStart { get; set; }

    /// <summary>The fence under which its last epoch is stored; null if there is none.</summary>
    public long? LastFence { get; set; }

    /// <summary>The fences of its stored epochs that the batch names.</summary>
    public Dictionary<int, long> FenceOfEpoch { get; } = [];

    /// <summary>From this epoch on, epochs of other fences are deleted; null: none are.</summary>
    public (int Epoch, long Fence)? DropFrom { get; private set; }

    public IReadOnlyList<(EpochReport Report, long Fence)> Written => _written;

    /// <summary>Whether its checkpoint or its state before training has changed.</summary>
    public bool IsTouched { get; private set; }

    public EpochReport? Ended { get; private set; }

    /// <summary>The pause before it is tried again; null if it did not fail or is not retried.</summary>
    public TimeSpan? Pause { get; private set; }

    public WriteVerdict Judge(FencedReport fenced)
    {
        var (report, fence) = fenced;
        var isKnown = FenceOfEpoch.TryGetValue(report.Epoch, out var by) && by == fence;
        var isCurrent = Fence == fence && Outcome is null && !deleted;
        if (report.Ending is { } ending)
        {
            if (Outcome == $"{ending.Outcome}" && Fence == fence && Epochs == report.Epoch)
                return WriteVerdict.AlreadyAccepted;
        }
        else if (isKnown)
        {
            // A worker that has lost its trial must not conclude that the store names its file now.
            if (Fence != fence && fenced.Checkpoint is { } saved && saved != Checkpoint)
                return WriteVerdict.Refused;
            if (isCurrent)
                Save(fenced);
            return WriteVerdict.AlreadyAccepted;
        }
        if (!isCurrent)
            return WriteVerdict.Refused;
        if (report.Ending is { Outcome: Sweeps.Trials.Outcome.Failed, Failure: { } failure } && FailureClass.IsRetried(failure.Class)
            && Tries + 1 < maxAttempts)
        {
            Retry();
            return WriteVerdict.WillRetry;
        }
        // A failure report comes after its epoch and contains no metrics of it.
        var saysEpoch = report is not ({ Ending.Failure: not null } or { Epoch: 0, Ending: not null });
        // What an earlier lease stored from this epoch on is trained again now.
        if (LastFence is { } last && last != fence)
            Drop(saysEpoch ? report.Epoch : report.Epoch + 1, fence);
        if (!isKnown && saysEpoch)
            Write(report, fence);
        if (report.Ending is null)
            Save(fenced);
        else
            (Ended, Outcome, Epochs) = (report, $"{report.Ending.Outcome}", report.Epoch);
        return WriteVerdict.Accepted;
    }

    /// <summary>Stored epochs and the checkpoint stay; the next lease resumes from there.</summary>
    private void Retry()
    {
        Pause = TimeSpan.FromSeconds(Math.Min(LongestPause.TotalSeconds, Math.Pow(2, Tries) * FirstPause.TotalSeconds));
        Tries++;
        Fence++;
    }

    /// <summary>Drops what other fences wrote from an epoch on, and with it a checkpoint of these epochs.</summary>
    private void Drop(int from, long fence)
    {
        DropFrom = (from, fence);
        foreach (var epoch in FenceOfEpoch.Keys.Where(epoch => epoch >= from).ToList())
            FenceOfEpoch.Remove(epoch);
        if (CheckpointEpoch >= from)
            (Checkpoint, CheckpointEpoch, IsTouched) = (null, null, true);
    }

    private void Write(EpochReport report, long fence)
    {
        _written.Add((report, fence));
        FenceOfEpoch[report.Epoch] = fence;
        LastFence = fence;
        if (report.Epoch == 0)
            (AilmentsStart, IsTouched) = (report.Health?.Ailments, true);
    }

    /// <summary>A trial resumes only after a stored epoch, and under the fence of the worker that saved it.</summary>
    private void Save(FencedReport fenced)
    {
        if (fenced.Checkpoint is { } checkpoint)
            (Checkpoint, CheckpointEpoch, IsTouched) = (checkpoint, fenced.Report.Epoch, true);
    }
}
