using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Native;

namespace DeepTrain.Cluster.Silo.Slots;

/// <summary>What an exception means for the trial that it ended.</summary>
internal static class TrialFailure
{
    private const int LongestLog = 8 * 1024;

    public static Failure Of(Exception exception) => exception switch
    {
        TrainerException known => new(known.FailureClass, known.Message) { Log = known.Log },
        _ when TorchRuntime.IsOutOfMemory(exception) => Unexpected(FailureClass.OutOfMemory, exception),
        IOException or UnauthorizedAccessException => Unexpected(FailureClass.Infrastructure, exception),
        _ => Unexpected(FailureClass.CodeError, exception),
    };

    private static Failure Unexpected(string failureClass, Exception exception)
    {
        var log = exception.ToString();
        return new(failureClass, $"{exception.GetType().Name}: {exception.Message}") { Log = log[..Math.Min(log.Length, LongestLog)] };
    }
}
