using System.Diagnostics;
using DeepTrain.Cluster.Silo.Tests;

namespace DeepTrain.Cluster.Client.Tests;

public sealed class StandardStreamsTests
{
    [Theory]
    [InlineData("list >&-", 3, "error: standard output cannot be written: ")]
    [InlineData("list --format json >/dev/full", 3, "error: standard output cannot be written: No space left on device")]
    [InlineData("list 2>/dev/full", 0, "")]
    [InlineData("frobnicate 2>/dev/full", 2, "")]
    [InlineData("frobnicate 2>&-", 2, "")]
    [InlineData("list >&- 2>&-", 3, "")]
    public async Task AnyCommand_StreamClosedOrFull_EndsInGoodOrder(string command, int exitCode, string told)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "There is no /dev/full.");
        using var folder = new TemporaryFolder();
        var program = Path.Combine(AppContext.BaseDirectory, "deeptrain.dll");
        using var shell = Process.Start(new ProcessStartInfo("sh", ["-c", $"dotnet '{program}' --data '{folder["data"]}' {command}"])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;

        var errors = await shell.StandardError.ReadToEndAsync();
        await shell.WaitForExitAsync();

        Assert.Equal(exitCode, shell.ExitCode);
        Assert.StartsWith(told, errors, StringComparison.Ordinal);
        Assert.Equal(told.Length > 0 ? 1 : 0, errors.Split('\n').Count(line => line.Length > 0));
    }
}
