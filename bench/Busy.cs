using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using DeepTrain.Cluster.Cluster.Tests;
using DeepTrain.Cluster.Servers;

namespace DeepTrain.Cluster.Bench;

/// <summary>What a busy machine costs a run of the quickstart.</summary>
/// <param name="Processes">Others that keep a core busy each, while the busy runs last.</param>
/// <param name="FairRatio">What the run would cost if the cores were shared evenly by all that want one.</param>
/// <param name="IdleSeconds">From start to end, start-up included; the median over the rounds, as all that follow.</param>
/// <param name="Ratio">The seconds beside the others over those without, of the same round.</param>
internal sealed record BusyFigures(int Processes, int Cores, double FairRatio, double IdleSeconds, double BusySeconds, double Ratio);

internal static class Busy
{
    private const string Quickstart = "samples/quickstart.yaml";

    public static async Task RunAsync(int processes, int rounds, TextWriter output, TextWriter progress, bool json)
    {
        await SiloProcess.BuildAsync();
        // The first run reads the program from the disk.
        await SecondsAsync(0);
        var (idle, busy) = (new List<double>(), new List<double>());
        for (var round = 1; round <= rounds; round++)
        {
            idle.Add(await SecondsAsync(0));
            busy.Add(await SecondsAsync(processes));
            progress.WriteLine(string.Create(CultureInfo.InvariantCulture, $"round {round} of {rounds}: {idle[^1]:F1} s, beside {processes} processes {busy[^1]:F1} s"));
        }
        var cores = Environment.ProcessorCount;
        var figures = new BusyFigures(processes, cores, Math.Max(1, Math.Round((cores + processes) / (double)cores, 2)),
            Math.Round(Median(idle), 1), Math.Round(Median(busy), 1), Math.Round(Median(busy.Zip(idle, (with, without) => with / without)), 2));
        output.WriteLine(json
            ? JsonSerializer.Serialize(figures, JsonSerializerOptions.Web)
            : string.Join(Environment.NewLine, JsonSerializer.SerializeToElement(figures, JsonSerializerOptions.Web).EnumerateObject()
                .Select(figure => $"{figure.Name,-16}{figure.Value}")));
    }

    /// <summary>Runs the quickstart in a new folder, beside processes that only keep cores busy.</summary>
    private static async Task<double> SecondsAsync(int processes)
    {
        var folder = Directory.CreateTempSubdirectory("deeptrain-bench-").FullName;
        var others = Enumerable.Range(0, processes).Select(_ => Start("sh", ["-c", "while :; do :; done"])).ToList();
        try
        {
            var clock = Stopwatch.StartNew();
            using var run = Start("dotnet",
                [Repository.PathOf("artifacts/deeptrain/deeptrain.dll"), "run", Repository.PathOf(Quickstart), "--data", folder, "--metrics-port", "0"]);
            try
            {
                var said = run.StandardError.ReadToEndAsync();
                await run.StandardOutput.ReadToEndAsync();
                await run.WaitForExitAsync();
                return run.ExitCode == 0 ? clock.Elapsed.TotalSeconds
                    : throw new InvalidOperationException($"The quickstart has ended with {run.ExitCode}: {await said}");
            }
            finally
            {
                End(run);
            }
        }
        finally
        {
            others.ForEach(End);
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Process Start(string program, string[] arguments)
    {
        var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Reaper.Watch(process);
        return process;
    }

    private static void End(Process process)
    {
        process.Kill();
        process.WaitForExit();
        Reaper.Forget(process);
        process.Dispose();
    }

    private static double Median(IEnumerable<double> values)
    {
        var ordered = values.Order().ToList();
        return ordered[ordered.Count / 2];
    }
}
