using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Sweeps.Trainers;

/// <summary>Training cannot start or continue.</summary>
/// <param name="failureClass">One of <see cref="Trials.FailureClass"/>.</param>
public sealed class TrainerException(string failureClass, string message, Exception? inner = null) : Exception(message, inner)
{
    public string FailureClass { get; } = failureClass;

    /// <summary>The last part of the program's log, at most <see cref="Failure.LogLimit"/> characters; null where there is none.</summary>
    public string? Log { get; init; }
}
