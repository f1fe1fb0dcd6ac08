namespace DeepTrain.Cluster.Sweeps;

/// <summary>Why a trial fails, in short stable names.</summary>
public static class FailureClass
{
    public const string OutOfMemory = "out-of-memory";
    public const string Infrastructure = "infrastructure";
    public const string WorkerKiller = "worker-killer";
    public const string BadData = "bad-data";
    public const string CodeError = "code-error";
    public const string NoTorch = "no-torch";

    /// <summary>Whether the reason may pass, so that the trial is tried again.</summary>
    public static bool IsRetried(string failureClass) => failureClass is OutOfMemory or Infrastructure;
}
