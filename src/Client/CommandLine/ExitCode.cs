namespace DeepTrain.Cluster.Client.CommandLine;

/// <summary>What the program's exit says.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    /// <summary>Done, but trials failed, or somebody cancelled the sweep or some of its trials.</summary>
    public const int DoneWithFailures = 1;

    /// <summary>A broken sweep file, a wrong option, or a file that contradicts its stored sweep.</summary>
    public const int BadInput = 2;

    /// <summary>No such sweep, nobody to talk to, or a file or stream that cannot be read or written.</summary>
    public const int NotFound = 3;

    /// <summary>An exception that nobody expected: a fault of the program.</summary>
    public const int Fault = 70;

    /// <summary>Ctrl-C or SIGTERM; the sweep stays resumable.</summary>
    public const int Interrupted = 130;
}

/// <summary>An end that a person is told of in one message, without a stack trace.</summary>
internal sealed class UserException(int exitCode, string message) : Exception(message)
{
    public int ExitCode => exitCode;
}
