using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Storage.Schema;

internal sealed class SweepRow
{
    public long Key { get; init; }
    public required string Id { get; init; }
    public required string Name { get; init; }
    public int Number { get; init; }
    public SweepStatus Status { get; init; }
    public DateTimeOffset Created { get; init; }
    public DateTimeOffset? Finished { get; init; }

    /// <summary>Raised whenever a coordinator opens the sweep.</summary>
    public long Fence { get; init; }

    /// <summary>The current sweep file.</summary>
    public required string Text { get; init; }

    /// <summary>The file's content with defaults filled in, as JSON.</summary>
    public required string Resolved { get; init; }

    /// <summary>SHA-256 of <see cref="Resolved"/>.</summary>
    public required string Hash { get; init; }

    /// <summary>How often a trial is tried if it fails for a reason that may be temporary.</summary>
    public int MaxAttempts { get; init; }

    /// <summary>The kind of device of the worker that leased the first trial; null if none was leased yet.</summary>
    public string? Device { get; init; }
}

/// <summary>What a worker trained with.</summary>
internal sealed class ProvenanceRow
{
    public long Key { get; init; }
    public required string CodeVersion { get; init; }
    public required string Libtorch { get; init; }
    public required string CpuCapability { get; init; }
    public required string Device { get; init; }
}

internal sealed class CellRow
{
    public long Key { get; init; }
    public long Sweep { get; init; }
    public required string Id { get; init; }

    /// <summary>Its position in the order of the search.</summary>
    public int Position { get; init; }
    public required string Configuration { get; init; }
    public required string FusionKey { get; init; }

    /// <summary>Whether the current file names it.</summary>
    public bool Active { get; init; }
}

/// <remarks>
/// Sweep, position and fusion key repeat the cell's, so that one index finds the next waiting trial. A trial with an outcome has no
/// lease.
/// </remarks>
internal sealed class TrialRow
{
    public long Key { get; init; }
    public long Sweep { get; init; }
    public long Cell { get; init; }
    public int Replicate { get; init; }
    public int Position { get; init; }
    public required string FusionKey { get; init; }

    /// <summary>Whether the current file names its cell and its replicate.</summary>
    public bool Active { get; init; }

    /// <summary>Null: the trial waits or has ended.</summary>
    public long? Lease { get; init; }

    /// <summary>The provenance of the worker that leased it last; null if it was never leased.</summary>
    public long? Provenance { get; init; }
    public long Fence { get; init; }
    public int Attempt { get; init; }
    public Outcome? Outcome { get; init; }
    public double? TrainLoss { get; init; }
    public double? ValidationLoss { get; init; }
    public double? ValidationAccuracy { get; init; }
    public double? TestLoss { get; init; }
    public double? TestAccuracy { get; init; }
    public int Epochs { get; init; }
    public double Seconds { get; init; }
    public string? FailureClass { get; init; }
    public string? FailureMessage { get; init; }
    public string? FailureLog { get; init; }

    /// <summary>What was wrong with the gradients before training and at the end; null if they were not checked.</summary>
    public Ailments? AilmentsStart { get; init; }
    public Ailments? AilmentsEnd { get; init; }

    /// <summary>The file that the trial can resume from, and the last epoch in it; null if there is none.</summary>
    public string? Checkpoint { get; init; }
    public int? CheckpointEpoch { get; init; }

    /// <summary>How often it failed for a reason that may be temporary.</summary>
    public int Tries { get; init; }

    /// <summary>How often its lease was lost without progress: as one of several trials, and alone.</summary>
    public int Losses { get; init; }
    public int LossesAlone { get; init; }

    /// <summary>The last epoch it had reached when a lease was lost; 0 if it never trained one.</summary>
    public int LossEpoch { get; init; }

    /// <summary>The trial is not granted before this time; null: it may be at any time.</summary>
    public DateTimeOffset? RetryAt { get; init; }
}

/// <summary>Epoch 0 is the state before training.</summary>
internal sealed class EpochRow
{
    public long Trial { get; init; }
    public int Epoch { get; init; }
    public long Fence { get; init; }
    public double? TrainLoss { get; init; }
    public double? ValidationLoss { get; init; }
    public double? ValidationAccuracy { get; init; }
    public double Seconds { get; init; }

    /// <summary>What <see cref="GradientHealth.Pack"/> made of all layers; null if they were not checked.</summary>
    public byte[]? Health { get; init; }
    public Ailments? Ailments { get; init; }
}

internal sealed class LeaseRow
{
    public long Key { get; init; }
    public long Sweep { get; init; }
    public required string Id { get; init; }
    public required string Silo { get; init; }
    public int Slot { get; init; }
    public DateTimeOffset Granted { get; init; }

    /// <summary>Null once the lease is known to hold no trial.</summary>
    public DateTimeOffset? Expires { get; init; }
}
