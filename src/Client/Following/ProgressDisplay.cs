using System.Globalization;
using DeepTrain.Cluster.Client.Rendering;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Sweeps;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace DeepTrain.Cluster.Client.Following;

/// <summary>Shows progress on stderr: a live display on a terminal, otherwise a plain line every few seconds.</summary>
/// <param name="console">Receives the live display.</param>
/// <param name="lines">Receives plain lines, without wrapping.</param>
internal sealed class ProgressDisplay(IAnsiConsole console, TextWriter lines, TimeProvider time)
{
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(3);

    public static ProgressDisplay OnStandardError(TimeProvider time) => new(Output.Terminal(Console.Error), Console.Error, time);

    public Task ShowAsync(Func<Action<ProgressView>, Task> follow) =>
        console.Profile.Capabilities.Interactive && console.Profile.Capabilities.Ansi ? ShowLiveAsync(follow) : ShowLinesAsync(follow);

    private Task ShowLiveAsync(Func<Action<ProgressView>, Task> follow) =>
        console.Live(new Text("")).StartAsync(live => follow(view => live.UpdateTarget(Panel(view))));

    private async Task ShowLinesAsync(Func<Action<ProgressView>, Task> follow)
    {
        long? written = null;
        await follow(view =>
        {
            var ended = view.Progress.Status is not (SweepStatus.Running or SweepStatus.Paused);
            if (!ended && written is { } last && time.GetElapsedTime(last) < LineInterval)
                return;
            written = time.GetTimestamp();
            lines.WriteLine(Line(view));
        });
    }

    private static Rows Panel(ProgressView view)
    {
        var progress = view.Progress;
        var parts = new List<IRenderable>
        {
            new BreakdownChart().HideTags().Width(60)
                .AddItem("completed", progress.Completed, Color.Green)
                .AddItem("diverged", progress.Diverged, Color.Yellow)
                .AddItem("failed", progress.Failed, Color.Red)
                .AddItem("stopped", progress.Stopped + progress.Cancelled, Color.Grey)
                .AddItem("running", progress.Running, Color.Blue)
                .AddItem("waiting", progress.Waiting, Color.Grey23),
            new Text(Counts(view)),
            new Text(Speed(view)),
        };
        if (progress.Best is { } best)
            parts.Add(new Text($"best so far {Output.Number(best.Objective)}  {best.Cell}"));
        return new(parts);
    }

    /// <summary>The progress in one line, for logs.</summary>
    internal static string Line(ProgressView view)
    {
        var best = view.Progress.Best is { } cell ? $"  best {Output.Number(cell.Objective)}{(cell.Cell.Length > 0 ? $" ({cell.Cell})" : "")}" : "";
        return $"{Counts(view)}  {Speed(view)}{best}";
    }

    private static string Counts(ProgressView view)
    {
        var progress = view.Progress;
        var counts = new[]
        {
            (progress.Completed, "completed"), (progress.Diverged, "diverged"), (progress.Stopped, "stopped"),
            (progress.Failed, "failed"), (progress.Cancelled, "cancelled"), (progress.Running, "running"),
        };
        var named = string.Join(", ", counts.Where(count => count.Item1 > 0).Select(count => $"{count.Item1} {count.Item2}"));
        var state = progress.Status is SweepStatus.Paused ? "  paused" : "";
        return $"{progress.SweepId}{state}  {progress.Ended}/{progress.Total} trials{(named.Length > 0 ? $" ({named})" : "")}";
    }

    private static string Speed(ProgressView view)
    {
        var speed = string.Create(CultureInfo.InvariantCulture, $"{Duration(view.Elapsed)}  {view.TrialsPerSecond:0.0} trials/s");
        return view.Left is { } left && view.Progress.Status is SweepStatus.Running ? $"{speed}  {Duration(left)} left" : speed;
    }

    private static string Duration(TimeSpan time) => time.TotalHours >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours} h {time.Minutes:00} min")
        : time.TotalMinutes >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{time.Minutes} min {time.Seconds:00} s")
            : string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0} s");
}
