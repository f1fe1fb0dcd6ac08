using System.Diagnostics;

namespace DeepTrain.Cluster.Servers;

/// <summary>
/// Ends the processes that tests started, by their ids, when the tests themselves die without a chance to: it reads ids from a pipe, and
/// acts when that breaks.
/// </summary>
internal static class Reaper
{
    private const string Script = """
        trap '' INT TERM
        alive=' '
        while read -r verb id; do
          if [ "$verb" = watch ]; then alive="$alive$id "; else alive="${alive%% "$id" *} ${alive#* "$id" }"; fi
        done
        for id in $alive; do kill -9 "$id"; done 2>/dev/null
        """;

    private static readonly Lock Gate = new();
    private static readonly Lazy<StreamWriter?> Pipe = new(Start);

    public static void Watch(Process process) => Tell("watch", process.Id);

    public static void Forget(Process process) => Tell("forget", process.Id);

    private static void Tell(string verb, int id)
    {
        lock (Gate)
            Pipe.Value?.Write($"{verb} {id}\n");
    }

    private static StreamWriter? Start()
    {
        if (OperatingSystem.IsWindows())
            return null;
        var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", Script]) { RedirectStandardInput = true })!;
        process.StandardInput.AutoFlush = true;
        return process.StandardInput;
    }
}
