namespace DeepTrain.Cluster.Client.CommandLine;

/// <summary>The exit codes of the program.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    /// <summary>The command finished, but trials failed, or the sweep or some of its trials were cancelled.</summary>
    public const int DoneWithFailures = 1;

    /// <summary>An invalid sweep file, a wrong option, or a file that contradicts its stored sweep.</summary>
    public const int BadInput = 2;

    /// <summary>The sweep does not exist, no process answers, or a file or stream cannot be read or written.</summary>
    public const int NotFound = 3;

    /// <summary>An unexpected exception: a bug of the program.</summary>
    public const int Fault = 70;

    /// <summary>Ctrl-C or SIGTERM. The sweep can be resumed.</summary>
    public const int Interrupted = 130;
}

/// <summary>Ends the command with a message for the user, without a stack trace.</summary>
internal sealed class UserException(int exitCode, string message) : Exception(message)
{
    public int ExitCode => exitCode;
}
