using System.Collections.Immutable;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.IO.Pipes;
using System.Runtime.InteropServices;
using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Silo;

/// <summary>A command with all that it starts: a process group that ends with this object, or with this process, however that ends.</summary>
/// <remarks>
/// A shell stands between. Its input is a pipe that only this process holds: the first line is handed on to the command, and when the pipe
/// closes, by <see cref="Dispose"/> or because this process is gone, the shell kills the group. Used by one thread; whoever reads is who
/// drains the pipes, so that a command which runs ahead waits, and nothing piles up here.
/// </remarks>
internal sealed class CommandGroup : IDisposable
{
    /// <summary>The longest line that a command may print, in bytes.</summary>
    public const int LineLimit = 64 << 10;

    // The command leads a session where there is setsid, else a job of the shell, so that its number is its group's. Signals of the
    // terminal are for this process, not for the shell; the command gets their usual meaning back. A folder that nobody is left to
    // delete is deleted by who sees the pipe close.
    internal const string Shell = """
        trap '' HUP INT QUIT TERM
        folder=$1
        shift
        IFS= read -r trial || exit 0
        exec 3<&0
        own=
        if command -v setsid >/dev/null; then own=setsid; else set -m; fi
        ( trap - HUP INT QUIT TERM; exec $own sh -c 'echo $$; exec "$@"' sh "$@" 3<&- ) <<END &
        $trial
        END
        group=$!
        ( while read -r _; do :; done; kill -s KILL -- "-$group" || kill -s KILL "$group"; rm -rf -- "$folder" ) <&3 >/dev/null 2>&1 &
        guard=$!
        exec 3<&- </dev/null
        wait "$group"
        code=$?
        kill -s KILL -- "-$group" 2>/dev/null
        [ "$code" -eq 137 ] || kill -s KILL "$guard"
        exit "$code"
        """;

    private const int StopSignal = 19;
    private const int StopSignalOfMac = 17;
    private const int ContinueSignal = 18;
    private const int ContinueSignalOfMac = 19;
    private const int KillSignal = 9;
    private const short Readable = 1;

    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(10);

    private readonly Process _shell;
    private readonly AnonymousPipeClientStream _output;
    private readonly AnonymousPipeClientStream _errors;
    private readonly Queue<byte[]> _lines = [];
    private readonly MemoryStream _unfinished = new();
    private readonly LogTail _log = new(Failure.LogLimit);
    private readonly byte[] _buffer = new byte[LineLimit];
    private bool _outputEnded;
    private bool _errorsEnded;
    private int? _group;

    /// <param name="input">The line that the command reads from its standard input.</param>
    /// <param name="folder">Deleted when this process dies.</param>
    public CommandGroup(ImmutableArray<string> command, string input, string folder)
    {
        var start = new ProcessStartInfo("/bin/sh")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var word in (string[])["-c", Shell, "deeptrain", folder, .. command])
            start.ArgumentList.Add(word);
        // The cluster's passwords are none of a command's business.
        foreach (var secret in SettingsTable.All.Where(setting => setting.IsSecret))
            start.Environment.Remove(secret.Variable);
        try
        {
            _shell = Process.Start(start)!;
        }
        catch (Win32Exception error)
        {
            throw new TrainerException(FailureClass.Infrastructure, $"/bin/sh, which commands are started by, cannot be started: {error.Message}", error);
        }
        _output = (AnonymousPipeClientStream)_shell.StandardOutput.BaseStream;
        _errors = (AnonymousPipeClientStream)_shell.StandardError.BaseStream;
        try
        {
            _shell.StandardInput.Write($"{input}\n");
            _shell.StandardInput.Flush();
        }
        catch (IOException)
        {
            // It has ended already; what it says, and its exit code, tell why.
        }
    }

    /// <summary>The exit code; 128 and more for a signal. Only after its last line.</summary>
    public int ExitCode
    {
        get
        {
            _shell.WaitForExit();
            return _shell.ExitCode;
        }
    }

    /// <summary>The tail of what it wrote to its standard error.</summary>
    public string Log => _log.ToString();

    /// <summary>Its next line; null: it has ended.</summary>
    /// <exception cref="InvalidDataException">The line is too long.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> was cancelled.</exception>
    public byte[]? ReadLine(CancellationToken stop)
    {
        while (true)
        {
            if (TakeLine() is { } line)
                return line;
            stop.ThrowIfCancellationRequested();
            if (_outputEnded && _errorsEnded)
                return null;
            // A process that left the group may hold the pipes open for as long as it likes: all that the command wrote was in them
            // before the shell ended.
            var hasEnded = _shell.HasExited;
            if (!Pump(hasEnded ? TimeSpan.Zero : Glance) && hasEnded)
                return null;
        }
    }

    /// <summary>All lines that it has printed while it is paused, whole ones.</summary>
    public IReadOnlyList<byte[]> ReadPrinted()
    {
        while (Pump(TimeSpan.Zero))
        {
        }
        var lines = new List<byte[]>();
        while (TakeLine() is { } line)
            lines.Add(line);
        return lines;
    }

    /// <summary>Returns once no process of the group runs any more, until <see cref="Continue"/>.</summary>
    /// <exception cref="IOException">One of them cannot be stopped now.</exception>
    public void Pause()
    {
        for (LearnGroup(); _group is null && !_outputEnded; LearnGroup())
            Pump(Glance);
        if (_group is not { } group || Signal(-group, OperatingSystem.IsMacOS() ? StopSignalOfMac : StopSignal) != 0)
            return;
        var since = Stopwatch.StartNew();
        while (!ProcessGroups.IsAtRest(group))
        {
            if (since.Elapsed > StopPatience)
                throw new IOException($"The command's process group {group} does not stop.");
            // No event tells that another process has come to rest.
            Thread.Sleep(1);
        }
    }

    public void Continue()
    {
        if (_group is { } group)
            _ = Signal(-group, OperatingSystem.IsMacOS() ? ContinueSignalOfMac : ContinueSignal);
    }

    /// <summary>Ends the group: when this returns, the command has ended, and all that it started has been killed.</summary>
    public void Dispose()
    {
        if (_group is { } group && !_shell.HasExited)
            _ = Signal(-group, KillSignal);
        try
        {
            _shell.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended already.
        }
        _shell.WaitForExit();
        _shell.Dispose();
    }

    private byte[]? TakeLine()
    {
        LearnGroup();
        return _lines.TryDequeue(out var line) ? line : null;
    }

    /// <summary>The first line is the group's number, from the process that becomes the command.</summary>
    private void LearnGroup()
    {
        if (_group is null && _lines.TryDequeue(out var number))
            _group = int.Parse(number, NumberStyles.None, CultureInfo.InvariantCulture);
    }

    /// <summary>Reads what is there, or comes within the patience. False: nothing.</summary>
    private bool Pump(TimeSpan patience)
    {
        Polled[] polled =
        [
            new() { Descriptor = _outputEnded ? -1 : (int)_output.SafePipeHandle.DangerousGetHandle(), Events = Readable },
            new() { Descriptor = _errorsEnded ? -1 : (int)_errors.SafePipeHandle.DangerousGetHandle(), Events = Readable },
        ];
        // Less than none: a signal came first, and says nothing about the pipes.
        if (Poll(polled, (nuint)polled.Length, (int)patience.TotalMilliseconds) is <= 0 and var none)
            return none < 0;
        if (polled[0].Happened != 0)
            _outputEnded = !ReadOutput(_output.Read(_buffer));
        if (polled[1].Happened != 0)
        {
            var read = _errors.Read(_buffer);
            _log.Append(_buffer.AsSpan(0, read));
            _errorsEnded = read == 0;
        }
        return true;
    }

    private bool ReadOutput(int read)
    {
        var rest = _buffer.AsSpan(0, read);
        for (var end = rest.IndexOf((byte)'\n'); end >= 0; end = rest.IndexOf((byte)'\n'))
        {
            Extend(rest[..end]);
            _lines.Enqueue(_unfinished.ToArray());
            _unfinished.SetLength(0);
            rest = rest[(end + 1)..];
        }
        Extend(rest);
        return read > 0;
    }

    private void Extend(ReadOnlySpan<byte> bytes)
    {
        if (_unfinished.Length + bytes.Length > LineLimit)
            throw new InvalidDataException($"it printed a line of more than {LineLimit:N0} bytes");
        _unfinished.Write(bytes);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Polled
    {
        public int Descriptor;
        public short Events;
        public short Happened;
    }

    [DllImport("libc", EntryPoint = "poll")]
    private static extern int Poll([In, Out] Polled[] polled, nuint count, int milliseconds);

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Signal(int process, int signal);
}
