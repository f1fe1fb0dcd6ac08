using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace DeepTrain.Cluster.Servers;

/// <summary>A program that serves until it is told to end; gone when disposed.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly Process _process;
    private readonly string _name;
    private readonly StringBuilder _said = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ServerProcess(Process process, string name, string readyText)
    {
        _process = process;
        _name = name;
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) => _ready.TrySetException(new InvalidOperationException($"{name} has ended.{Environment.NewLine}{Said}"));
        process.OutputDataReceived += (_, line) => Hear(line.Data, readyText);
        process.ErrorDataReceived += (_, line) => Hear(line.Data, readyText);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        Reaper.Watch(process);
    }

    private string Said
    {
        get
        {
            lock (_said)
                return _said.ToString();
        }
    }

    /// <summary>Returns once it has written a line with a text.</summary>
    public static async Task<ServerProcess> StartAsync(ProcessStartInfo start, string readyText)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        var server = new ServerProcess(Process.Start(start)!, Path.GetFileName(start.FileName), readyText);
        try
        {
            await server._ready.Task.WaitAsync(Patience);
        }
        catch (Exception exception)
        {
            await server.DisposeAsync();
            throw new InvalidOperationException(
                $"{server._name} was not ready ('{readyText}') after {Patience.TotalSeconds} s.{Environment.NewLine}{server.Said}", exception);
        }
        return server;
    }

    /// <summary>Returns once it has ended.</summary>
    public async Task EndAsync(int signal)
    {
        if (SendSignal(_process.Id, signal) != 0 && !_process.HasExited)
            throw new InvalidOperationException($"Signal {signal} could not be sent to {_name} ({_process.Id}).");
        try
        {
            await _process.WaitForExitAsync().WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException(
                $"{_name} has not ended {Patience.TotalSeconds} s after signal {signal}.{Environment.NewLine}{Said}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
        Reaper.Forget(_process);
        _process.Dispose();
    }

    private void Hear(string? line, string readyText)
    {
        if (line is null)
            return;
        lock (_said)
            _said.AppendLine(line);
        if (line.Contains(readyText, StringComparison.Ordinal))
            _ready.TrySetResult();
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int SendSignal(int process, int signal);
}
