using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using DeepTrain.Cluster.Servers;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>A built program as a process of its own, ended by its id.</summary>
internal sealed class DeepTrainProcess : IDisposable
{
    /// <summary>What people start.</summary>
    public const string CommandLineProgram = "deeptrain.dll";

    /// <summary>What a cluster's machines run.</summary>
    public const string SiloProgram = "silo.dll";

    private const int Interrupt = 2;
    private const int Terminate = 15;
    private const string Output = "artifacts/deeptrain";

    private static readonly int StopSignal = OperatingSystem.IsMacOS() ? 17 : 19;
    private static readonly int ContinueSignal = OperatingSystem.IsMacOS() ? 19 : 18;

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
        Reaper.Watch(process);
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public string Errors => Read(_errors);

    /// <summary>All that it wrote.</summary>
    public string Said => Read(_output) + Errors;

    public int ExitCode => _process.ExitCode;

    public static DeepTrainProcess Start(string folder, IReadOnlyList<string> arguments, int? checkpointSeconds = null) =>
        Start(CommandLineProgram, folder, arguments,
            checkpointSeconds is { } seconds ? new() { ["DEEPTRAIN_CHECKPOINT_SECONDS"] = $"{seconds}" } : []);

    public static DeepTrainProcess Start(
        string program, string folder, IReadOnlyList<string> arguments, Dictionary<string, string> environment)
    {
        var path = Repository.PathOf(Path.Combine(Output, program));
        Assert.True(File.Exists(path), $"{Output}/{program} is not there. Build it first: ./deeptrain --version");
        var start = new ProcessStartInfo("dotnet", [path, .. arguments])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return new(Process.Start(start)!, $"{program} {string.Join(' ', arguments)}");
    }

    /// <summary>SIGKILL, and the process is gone when this returns.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>What Ctrl-C sends.</summary>
    public void SendInterrupt() => Assert.Equal(0, SendSignal(Id, Interrupt));

    /// <summary>SIGSTOP: it lives, and does nothing any more when this returns.</summary>
    public void Freeze()
    {
        Assert.True(SendSignal(Id, StopSignal) == 0, $"'{_commandLine}' cannot be stopped: it has ended.{Environment.NewLine}{Errors}");
        // The signal is on its way to each of its threads.
        Assert.True(!OperatingSystem.IsLinux() || SpinWait.SpinUntil(IsStopped, Eventually.Deadline), $"'{_commandLine}' does not stop.");
    }

    /// <summary>SIGCONT: it goes on as if no time had passed.</summary>
    public void Thaw() => Assert.Equal(0, SendSignal(Id, ContinueSignal));

    /// <summary>SIGTERM: it is asked to end.</summary>
    public void SendTerminate() => Assert.Equal(0, SendSignal(Id, Terminate));

    public async Task<Finished> WaitAsync(TimeSpan? within = null)
    {
        var patience = within ?? Eventually.Deadline;
        using var deadline = new CancellationTokenSource(patience);
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"'{_commandLine}' has not ended after {patience.TotalSeconds} s.{Environment.NewLine}{Errors}");
        }
        return new(_commandLine, _process.ExitCode, Read(_output), Errors);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            Kill();
        Reaper.Forget(_process);
        _process.Dispose();
    }

    private bool IsStopped() => Directory.EnumerateDirectories($"/proc/{Id}/task").All(thread =>
    {
        try
        {
            var status = File.ReadAllText(Path.Combine(thread, "stat"));
            return status[status.LastIndexOf(')') + 2] is 'T' or 't';
        }
        catch (IOException)
        {
            // That thread has ended since.
            return true;
        }
    });

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
