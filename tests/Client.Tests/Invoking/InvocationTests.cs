using System.CommandLine;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Invoking;
using DeepTrain.Cluster.Silo.Tests;

namespace DeepTrain.Cluster.Client.Tests;

public sealed class InvocationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task RunAsync_UnexpectedException_IsOneLineAndItsTraceIsLogged()
    {
        Directory.CreateDirectory(_folder["logs"]);

        var (exitCode, errors) = await RunAsync(new InvalidOperationException($"no such{Environment.NewLine}thing"));

        Assert.Equal(70, exitCode);
        Assert.Equal(
            "error: InvalidOperationException: no such thing This is a fault of deeptrain; what is stored is safe. "
                + $"Its stack trace is in {_folder["logs/faults.log"]}.{Environment.NewLine}", errors);
        Assert.Contains("   at ", await File.ReadAllTextAsync(_folder["logs/faults.log"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_UnexpectedExceptionAndNoFolder_IsOneLine()
    {
        var (exitCode, errors) = await RunAsync(new InvalidOperationException("no such thing"));

        Assert.Equal(
            (70, $"error: InvalidOperationException: no such thing This is a fault of deeptrain; what is stored is safe.{Environment.NewLine}"),
            (exitCode, errors));
    }

    [Fact]
    public async Task RunAsync_NoRightToWrite_IsOneLine() => Assert.Equal(
        (3, $"error: Access to the path '/data' is denied.{Environment.NewLine}"),
        await RunAsync(new UnauthorizedAccessException("Access to the path '/data' is denied.")));

    private async Task<(int ExitCode, string Errors)> RunAsync(Exception exception)
    {
        var root = new RootCommand { CommonOptions.Data, CommonOptions.LibTorch, CommonOptions.Cluster };
        root.SetAction((_, _) => Task.FromException<int>(exception));
        var (output, errors) = (Console.Out, Console.Error);
        using var said = new StringWriter();
        Console.SetError(said);
        try
        {
            return (await Invocation.RunAsync(root, ["--data", _folder.Root]), said.ToString());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(errors);
        }
    }
}
