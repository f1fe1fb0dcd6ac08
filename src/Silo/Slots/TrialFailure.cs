using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Silo;

/// <summary>What an exception means for the trial that it ended.</summary>
internal static class TrialFailure
{
    private const int LongestLog = 8 * 1024;

    // What libtorch's allocators say; its exceptions have no type of their own in .NET.
    private static readonly string[] OutOfMemory = ["can't allocate memory", "not enough memory", "out of memory"];

    public static Failure Of(Exception exception) => exception switch
    {
        TrainerException known => new(known.FailureClass, known.Message) { Log = known.Log },
        OutOfMemoryException => Unexpected(FailureClass.OutOfMemory, exception),
        _ when OutOfMemory.Any(phrase => exception.Message.Contains(phrase, StringComparison.OrdinalIgnoreCase)) =>
            Unexpected(FailureClass.OutOfMemory, exception),
        IOException or UnauthorizedAccessException => Unexpected(FailureClass.Infrastructure, exception),
        _ => Unexpected(FailureClass.CodeError, exception),
    };

    private static Failure Unexpected(string failureClass, Exception exception)
    {
        var log = exception.ToString();
        return new(failureClass, $"{exception.GetType().Name}: {exception.Message}") { Log = log[..Math.Min(log.Length, LongestLog)] };
    }
}
