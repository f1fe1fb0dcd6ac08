namespace DeepTrain.Cluster.Training;

/// <summary>Training cannot start or go on.</summary>
/// <param name="failureClass">A short stable name, as in <see cref="Sweeps.Failure.Class"/>: <c>no-torch</c>, <c>bad-data</c>.</param>
public sealed class TrainingException(string failureClass, string message, Exception? inner = null) : Exception(message, inner)
{
    public const string NoTorch = "no-torch";
    public const string BadData = "bad-data";

    public string FailureClass { get; } = failureClass;
}
