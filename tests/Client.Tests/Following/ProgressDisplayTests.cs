using DeepTrain.Cluster.Client.Following;
using DeepTrain.Cluster.Grains.Monitoring;
using DeepTrain.Cluster.Grains.Store;
using Microsoft.Extensions.Time.Testing;
using Spectre.Console.Testing;

namespace DeepTrain.Cluster.Client.Tests;

public sealed class ProgressDisplayTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task Show_NoTerminal_WritesALineEveryThreeSecondsAndTheLast()
    {
        using var console = new TestConsole();
        using var lines = new StringWriter { NewLine = "\n" };
        var display = new ProgressDisplay(console, lines, _time);
        var best = new BestCell("activation=elu, batchNorm=true", 0.98096);

        await display.ShowAsync(show =>
        {
            show(Views.View(Views.Progress(360), 0, 0));
            _time.Advance(TimeSpan.FromSeconds(2.9));
            show(Views.View(Views.Progress(360, running: 120), 2.9, 0));
            _time.Advance(TimeSpan.FromSeconds(0.1));
            show(Views.View(Views.Progress(360, completed: 30, diverged: 1, running: 60), 3, 10.3333, 31.4));
            _time.Advance(TimeSpan.FromSeconds(0.2));
            show(Views.View(Views.Progress(360, 359, 1, status: SweepStatus.Finished, best: best), 125, 2.88, 0));
            return Task.CompletedTask;
        });

        Assert.Equal(
            """
            digits-1  0/360 trials  0 s  0.0 trials/s
            digits-1  31/360 trials (30 completed, 1 diverged, 60 running)  3 s  10.3 trials/s  31 s left
            digits-1  360/360 trials (359 completed, 1 diverged)  2 min 05 s  2.9 trials/s  best 0.9810 (activation=elu, batchNorm=true)

            """, lines.ToString(), ignoreLineEndingDifferences: true);
        Assert.Equal("", console.Output);
    }

    [Fact]
    public async Task Show_OnATerminal_DrawsCountsSpeedAndBestCell()
    {
        using var console = new TestConsole().Interactive().SupportsAnsi(true).Width(100);
        using var lines = new StringWriter();
        var display = new ProgressDisplay(console, lines, _time);

        await display.ShowAsync(show =>
        {
            show(Views.View(
                Views.Progress(360, completed: 100, running: 60, best: new("activation=elu", 0.9712)), 4000, 0.025, 10_400));
            return Task.CompletedTask;
        });

        foreach (var line in (string[])
        [
            "digits-1  100/360 trials (100 completed, 60 running)",
            "1 h 06 min  0.0 trials/s  2 h 53 min left",
            "best so far 0.9712  activation=elu",
        ])
            Assert.Contains(line, console.Output, StringComparison.Ordinal);
        Assert.Equal("", lines.ToString());
    }
}
