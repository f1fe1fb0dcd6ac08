using System.Collections.Immutable;

namespace DeepTrain.Cluster.Sweeps.Trials;

/// <summary>The classes of failures: what is done about a trial that failed depends on nothing else.</summary>
public static class FailureClass
{
    /// <summary>The device had no memory left: a smaller cohort may do.</summary>
    public const string OutOfMemory = "out-of-memory";

    /// <summary>Something around the trial was not there, and may be later: a network, a disk, a licence.</summary>
    public const string Infrastructure = "infrastructure";

    /// <summary>Its worker died whenever it trained this trial alone.</summary>
    public const string WorkerKiller = "worker-killer";

    public const string BadData = "bad-data";
    public const string CodeError = "code-error";
    public const string NoTorch = "no-torch";

    /// <summary>Those that a worker reports; it lives to report no <see cref="WorkerKiller"/>.</summary>
    public static ImmutableArray<string> OfWorkers { get; } = [OutOfMemory, Infrastructure, BadData, CodeError, NoTorch];

    /// <summary>Whether a trial that failed so is tried again: its reason may pass by itself.</summary>
    public static bool IsRetried(string failureClass) => failureClass is OutOfMemory or Infrastructure;
}
