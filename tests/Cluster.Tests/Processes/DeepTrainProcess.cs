using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>The built program as a process of its own, ended by its id.</summary>
internal sealed class DeepTrainProcess : IDisposable
{
    private const int Interrupt = 2;
    private const string Program = "artifacts/deeptrain/deeptrain.dll";

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();
    private readonly string _commandLine;

    private DeepTrainProcess(Process process, string commandLine)
    {
        _process = process;
        _commandLine = commandLine;
        process.OutputDataReceived += (_, line) => Append(_output, line.Data);
        process.ErrorDataReceived += (_, line) => Append(_errors, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public string Errors => Read(_errors);

    public static DeepTrainProcess Start(string folder, IReadOnlyList<string> arguments, int? checkpointSeconds = null)
    {
        var program = Repository.PathOf(Program);
        Assert.True(File.Exists(program), $"{Program} is not there. Build it first: ./deeptrain --version");
        var start = new ProcessStartInfo("dotnet", [program, .. arguments])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (checkpointSeconds is { } seconds)
            start.Environment["DEEPTRAIN_CHECKPOINT_SECONDS"] = $"{seconds}";
        return new(Process.Start(start)!, string.Join(' ', arguments));
    }

    /// <summary>SIGKILL, and the process is gone when this returns.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>What Ctrl-C sends.</summary>
    public void SendInterrupt() => Assert.Equal(0, SendSignal(Id, Interrupt));

    /// <summary>SIGSTOP: it lives, and does nothing.</summary>
    public void Freeze() => Assert.Equal(0, SendSignal(Id, OperatingSystem.IsMacOS() ? 17 : 19));

    public async Task<Finished> WaitAsync()
    {
        using var deadline = new CancellationTokenSource(Eventually.Deadline);
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"'{_commandLine}' has not ended after {Eventually.Deadline.TotalSeconds} s.{Environment.NewLine}{Errors}");
        }
        return new(_commandLine, _process.ExitCode, Read(_output), Errors);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            Kill();
        _process.Dispose();
    }

    private static void Append(StringBuilder text, string? line)
    {
        if (line is null)
            return;
        lock (text)
            text.AppendLine(line);
    }

    private static string Read(StringBuilder text)
    {
        lock (text)
            return text.ToString();
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int SendSignal(int process, int signal);
}

/// <summary>A process that has ended.</summary>
internal sealed record Finished(string CommandLine, int ExitCode, string Output, string Errors)
{
    public JsonElement Json => JsonSerializer.Deserialize<JsonElement>(Output);

    public Finished Expect(int exitCode)
    {
        Assert.True(ExitCode == exitCode,
            $"'{CommandLine}' ended with {ExitCode}, not {exitCode}.{Environment.NewLine}{Errors}{Environment.NewLine}{Output}");
        return this;
    }

    public Finished ExpectInErrors(string text)
    {
        Assert.Contains(text, Errors, StringComparison.Ordinal);
        return this;
    }
}
