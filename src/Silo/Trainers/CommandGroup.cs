using System.Collections.Immutable;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.IO.Pipes;
using System.Runtime.InteropServices;
using DeepTrain.Cluster.Silo.Settings;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Trainers;

/// <summary>A command and all its child processes: a session that ends with this object, or with this process, however it ends.</summary>
/// <remarks>
/// A shell runs the command. Its input is a pipe that only this process holds: the shell passes the first line to the command, and when
/// the pipe closes, by <see cref="Dispose"/> or because this process has ended, it kills the group. Used by one thread. The command's
/// output is read only on request, so that a command that runs ahead has to wait and its lines do not fill the memory.
/// </remarks>
internal sealed class CommandGroup : IDisposable
{
    /// <summary>The longest line that a command may print, in bytes.</summary>
    public const int LineLimit = 64 << 10;

    // The command leads a session if there is setsid, otherwise it is a job of the shell, so its process id is its group's id. The shell
    // ignores the terminal's signals, which are for this process; for the command they have their usual meaning. The process that sees the
    // pipe close deletes the folder, since this process may have ended. It also kills processes that have left the command's group but not
    // its session; while this process lives, it does that itself.
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
        end() {
          kill -s KILL -- "-$group" || kill -s KILL "$group"
          [ "$own" ] || return
          for pass in 1 2; do
            for stat in /proc/[0-9]*/stat; do
              IFS= read -r line <"$stat" && set -- ${line##*) } && [ "$4" = "$group" ] && process=${stat#/proc/} && kill -s KILL "${process%/stat}"
            done
          done
        }
        ( while read -r _; do :; done; end; rm -rf -- "$folder" ) <&3 >/dev/null 2>&1 &
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

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPausing = TimeSpan.FromSeconds(10);

    /// <summary>This many reads empty any pipe that no process writes to: the system limits a pipe to 1 MiB.</summary>
    private const int MostReadsAfterEnd = 2 * (1 << 20) / LineLimit;

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
    /// <param name="folder">Deleted if this process dies.</param>
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
        // The command must not see the cluster's passwords.
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
            // The command has already ended; its output and exit code tell why.
        }
    }

    /// <summary>The exit code; 128 and more for a signal. Valid only after the last line.</summary>
    public int ExitCode
    {
        get
        {
            _shell.WaitForExit();
            return _shell.ExitCode;
        }
    }

    /// <summary>The end of its standard error output.</summary>
    public string Log => _log.ToString();

    /// <summary>The next line; null if the command has ended. The last line needs no line feed, unless the command failed.</summary>
    /// <exception cref="InvalidDataException">The line is too long.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> was cancelled.</exception>
    public byte[]? ReadLine(CancellationToken stop)
    {
        var readsAfterEnd = 0;
        while (true)
        {
            if (TakeLine() is { } line)
                return line;
            stop.ThrowIfCancellationRequested();
            // The shell holds both pipes open until it ends, whatever the command closes. A process that left the group may hold them open
            // and write to them indefinitely; all output of the command was in them before the shell ended.
            var hasEnded = _shell.HasExited;
            if ((_outputEnded && _errorsEnded) || (hasEnded && ++readsAfterEnd > MostReadsAfterEnd)
                || (!ReadPipes(hasEnded ? TimeSpan.Zero : PollInterval) && hasEnded))
                return TakeUnfinishedLine();
        }
    }

    /// <summary>All complete lines that it has printed while it is paused.</summary>
    public IReadOnlyList<byte[]> ReadPrinted()
    {
        while (ReadPipes(TimeSpan.Zero))
        {
        }
        var lines = new List<byte[]>();
        while (TakeLine() is { } line)
            lines.Add(line);
        return lines;
    }

    /// <summary>Stops all processes of the group until <see cref="Continue"/>; returns when none runs any more.</summary>
    /// <exception cref="IOException">A process cannot be stopped now.</exception>
    public void Pause()
    {
        for (LearnGroup(); _group is null && !_outputEnded; LearnGroup())
            ReadPipes(PollInterval);
        if (_group is not { } group)
            return;
        var since = Stopwatch.StartNew();
        for (SignalAll(); !ProcessGroups.IsAtRest(group); SignalAll())
        {
            if (since.Elapsed > LongestPausing)
                throw new IOException($"The command's processes, those of the session {group}, do not stop.");
            // There is no event for the stop of other processes.
            Thread.Sleep(1);
        }

        // A process that was not yet stopped may have started others meanwhile, in groups of their own.
        void SignalAll() => Signal(ProcessGroups.Of(group), OperatingSystem.IsMacOS() ? StopSignalOfMac : StopSignal);
    }

    public void Continue()
    {
        if (_group is { } group)
            Signal(ProcessGroups.Of(group), OperatingSystem.IsMacOS() ? ContinueSignalOfMac : ContinueSignal);
    }

    /// <summary>Ends the group: on return the command has ended and all its child processes have been killed.</summary>
    public void Dispose()
    {
        if (_group is { } group && !_shell.HasExited)
            Signal(ProcessGroups.Of(group), KillSignal);
        try
        {
            _shell.StandardInput.Close();
        }
        catch (IOException)
        {
            // The shell has already ended.
        }
        _shell.WaitForExit();
        _shell.Dispose();
        if (_group is { } ended)
            Signal(ProcessGroups.LeftBy(ended), KillSignal);
    }

    private static void Signal(IEnumerable<int> groups, int signal)
    {
        foreach (var group in groups)
            _ = Signal(-group, signal);
    }

    private byte[]? TakeLine()
    {
        LearnGroup();
        return _lines.TryDequeue(out var line) ? line : null;
    }

    /// <summary>What it printed after its last line feed; null for a failed command, whose last line may be incomplete.</summary>
    private byte[]? TakeUnfinishedLine()
    {
        if (_unfinished.Length == 0 || ExitCode != 0)
            return null;
        var line = _unfinished.ToArray();
        _unfinished.SetLength(0);
        return line;
    }

    /// <summary>Reads the group's id from the first line, which is printed by the process that becomes the command.</summary>
    private void LearnGroup()
    {
        if (_group is null && _lines.TryDequeue(out var number))
            _group = int.Parse(number, NumberStyles.None, CultureInfo.InvariantCulture);
    }

    /// <summary>Reads what the pipes contain, or waits for it.</summary>
    /// <returns>False if nothing arrived.</returns>
    private bool ReadPipes(TimeSpan wait)
    {
        Polled[] polled =
        [
            new() { Descriptor = _outputEnded ? -1 : (int)_output.SafePipeHandle.DangerousGetHandle(), Events = Readable },
            new() { Descriptor = _errorsEnded ? -1 : (int)_errors.SafePipeHandle.DangerousGetHandle(), Events = Readable },
        ];
        // Negative if a signal interrupted the call: then the state of the pipes is unknown.
        if (Poll(polled, (nuint)polled.Length, (int)wait.TotalMilliseconds) is <= 0 and var none)
            return none < 0;
        if (polled[0].Returned != 0)
            _outputEnded = !ReadOutput(_output.Read(_buffer));
        if (polled[1].Returned != 0)
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
        public short Returned;
    }

    [DllImport("libc", EntryPoint = "poll")]
    private static extern int Poll([In, Out] Polled[] polled, nuint count, int milliseconds);

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Signal(int process, int signal);
}
