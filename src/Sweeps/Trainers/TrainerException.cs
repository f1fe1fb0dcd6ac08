namespace DeepTrain.Cluster.Sweeps;

/// <summary>A trainer cannot train, and knows why.</summary>
public sealed class TrainerException(string failureClass, string message, Exception? inner = null) : Exception(message, inner)
{
    public Failure Failure { get; } = new(failureClass, message);
}
