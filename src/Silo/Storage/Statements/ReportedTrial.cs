using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Storage.Statements;

/// <summary>
/// A trial as a batch of reports finds it, and what they make of it: the rules by which a report is judged. The fence of a trial's latest
/// lease is the only one that may write for it.
/// </summary>
/// <param name="key">The trial's row.</param>
/// <param name="deleted">Whether its sweep is a tombstone.</param>
/// <param name="maxAttempts">How often it may be tried if it fails for a reason that may pass.</param>
internal sealed class ReportedTrial(long key, bool deleted, int maxAttempts)
{
    /// <summary>The longest that a trial pauses which failed for a reason that may pass.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    // Each pause is twice as long as the one before.
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5);

    private readonly List<(EpochReport Report, long Fence)> _written = [];

    public long Key => key;

    public required long Fence { get; set; }

    public required string? Outcome { get; set; }

    /// <summary>At its end; 0 before.</summary>
    public required int Epochs { get; set; }

    public required int Tries { get; set; }

    public required string? Checkpoint { get; set; }

    public required int? CheckpointEpoch { get; set; }

    public required Ailments? AilmentsStart { get; set; }

    /// <summary>The fence under which its last epoch is stored; null: there is none.</summary>
    public long? LastFence { get; set; }

    /// <summary>The fences of those of its stored epochs that the batch names.</summary>
    public Dictionary<int, long> FenceOfEpoch { get; } = [];

    /// <summary>From here on, epochs of other fences go; null: none do.</summary>
    public (int Epoch, long Fence)? DropFrom { get; private set; }

    public IReadOnlyList<(EpochReport Report, long Fence)> Written => _written;

    /// <summary>Whether its checkpoint, or what it showed before training, is another than it was.</summary>
    public bool IsTouched { get; private set; }

    public EpochReport? Ended { get; private set; }

    /// <summary>For how long it is not tried again; null: it did not fail, or for good.</summary>
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
            // Who has lost its trial must not take it that the store points to its file now.
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
        // A failure comes after its epoch, and says nothing of it.
        var saysEpoch = report is not ({ Ending.Failure: not null } or { Epoch: 0, Ending: not null });
        // What an earlier lease trained from here on is trained again now, or never was.
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

    /// <summary>What it has trained and saved stays; whoever leases it next goes on from there.</summary>
    private void Retry()
    {
        Pause = TimeSpan.FromSeconds(Math.Min(LongestPause.TotalSeconds, Math.Pow(2, Tries) * FirstPause.TotalSeconds));
        Tries++;
        Fence++;
    }

    /// <summary>Takes away what other fences wrote from an epoch on, and with it the checkpoint that goes on from there.</summary>
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

    /// <summary>Whatever its trial goes on from, it does so after an epoch that is stored, and under the fence of whoever saved it.</summary>
    private void Save(FencedReport fenced)
    {
        if (fenced.Checkpoint is { } checkpoint)
            (Checkpoint, CheckpointEpoch, IsTouched) = (checkpoint, fenced.Report.Epoch, true);
    }
}
