using DeepTrain.Cluster.Client.Invoking;

namespace DeepTrain.Cluster.Client.Tests;

/// <summary>Runs the program in this process, from its entry point, with its console in hand.</summary>
internal static class CommandLine
{
    public static Said Run(params string[] arguments)
    {
        var (output, errors) = (Console.Out, Console.Error);
        using var saidOutput = new StringWriter();
        using var saidErrors = new StringWriter();
        Console.SetOut(saidOutput);
        Console.SetError(saidErrors);
        try
        {
            var exitCode = (int)typeof(Invocation).Assembly.EntryPoint!.Invoke(null, [arguments])!;
            return new(exitCode, saidOutput.ToString(), saidErrors.ToString());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(errors);
        }
    }
}

internal sealed record Said(int ExitCode, string Output, string Errors);
