using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Trials;
using DeepTrain.Cluster.Silo.Slots;
using DeepTrain.Cluster.Sweeps.Trials;
using Microsoft.Extensions.Logging.Testing;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class CoordinatorReportsTests : IAsyncLifetime
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1);

    private readonly SlotParts _parts = new();
    private readonly FakeLogger<CoordinatorReports> _log = new();
    private readonly CoordinatorReports _reports;
    private readonly List<TrialEnding> _told = [];

    public CoordinatorReportsTests() => _reports = new(_parts.Grains.Factory, _parts.Time, _log);

    public async ValueTask InitializeAsync() => await _reports.StartAsync(CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await _reports.StopAsync(CancellationToken.None);
        _reports.Dispose();
        _parts.Dispose();
    }

    [Fact]
    public async Task Post_EpochsAndAnEnding_TellsTheEndingOnly()
    {
        Answer(_ => Task.CompletedTask);

        _reports.Post([Report("digits-1", 1), Report("digits-1", 2, new(Outcome.Completed, 0.3, 0.9))]);
        await ToldAsync(1);

        Assert.Equal(new TrialEnding(Report("digits-1", 2).Report.Trial, 7, Outcome.Completed, 0.1, 0.2, 0.75, null), Assert.Single(_told));
    }

    [Fact]
    public async Task Post_CoordinatorFailsAtFirst_IsToldAgainUntilItAcknowledges()
    {
        var failures = 3;
        Answer(_ => --failures >= 0 ? throw new TimeoutException("no answer") : Task.CompletedTask);

        _reports.Post([Report("digits-1", 2, new(Outcome.Diverged))]);
        await ToldAsync(1);

        Assert.Equal(-1, failures);
        Assert.Contains("digits-1: no answer", _log.Collector.GetSnapshot()[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Post_OneCoordinatorHangs_TheOthersAreTold()
    {
        var acknowledged = new TaskCompletionSource();
        Answer(sweep => sweep == "hangs-1" ? acknowledged.Task : Task.CompletedTask);

        _reports.Post([Report("hangs-1", 1, new(Outcome.Completed)), Report("digits-1", 1, new(Outcome.Completed))]);
        await ToldAsync(1);
        _reports.Post([Report("digits-1", 1, new(Outcome.Completed))]);
        await ToldAsync(2);
        acknowledged.SetResult();

        Assert.All(_told, ending => Assert.Equal("digits-1", ending.Trial.Sweep));
    }

    private Task ToldAsync(int count) => _parts.AdvanceUntilAsync(Step, () =>
    {
        lock (_told)
            return _told.Count >= count;
    }, $"{count} endings to be acknowledged");

    /// <param name="answer">What the coordinator of a sweep does.</param>
    private void Answer(Func<string, Task> answer) => _parts.Grains.On("Sweep.Report", (sweep, arguments) =>
    {
        var task = answer(sweep);
        if (task.IsCompletedSuccessfully)
            lock (_told)
                _told.AddRange((ImmutableArray<TrialEnding>)arguments[0]!);
        return task;
    });

    private static FencedReport Report(string sweep, int epoch, Ending? ending = null) =>
        new(new(new(sweep, "0123456789abcdef", 1), epoch, 0.1, 0.2, 0.75, 40, 0.5, ending), 7);
}
