using System.Collections.Immutable;

namespace DeepTrain.Cluster.Sweeps.Trials;

/// <summary>The classes of failures. How a failed trial is treated depends only on its class.</summary>
public static class FailureClass
{
    /// <summary>The device ran out of memory. A smaller cohort may succeed.</summary>
    public const string OutOfMemory = "out-of-memory";

    /// <summary>A resource outside the trial, such as a network, a disk or a licence, was unavailable and may return.</summary>
    public const string Infrastructure = "infrastructure";

    /// <summary>The worker process died each time it trained this trial alone.</summary>
    public const string WorkerKiller = "worker-killer";

    public const string BadData = "bad-data";
    public const string CodeError = "code-error";
    public const string NoTorch = "no-torch";

    /// <summary>The classes that a worker can report. A dead worker cannot report <see cref="WorkerKiller"/>.</summary>
    public static ImmutableArray<string> OfWorkers { get; } = [OutOfMemory, Infrastructure, BadData, CodeError, NoTorch];

    /// <summary>Whether a trial with such a failure is retried, because the cause may be temporary.</summary>
    public static bool IsRetried(string failureClass) => failureClass is OutOfMemory or Infrastructure;
}
