using System.Collections.Immutable;
using DeepTrain.Cluster.Client.Tests;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Trials;
using DeepTrain.Cluster.Silo.Slots;
using DeepTrain.Cluster.Sweeps.Trials;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class ResultWriterTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TrialId Trial = new("digits-1", "0123456789abcdef", 1);

    private readonly SlotParts _parts = new();
    private readonly FakeLogger<ResultWriter> _log = new();
    private readonly HeldLease _lease;
    private readonly CoordinatorReports _reports;
    private readonly ResultWriter _writer;
    private readonly List<TrialEnding> _told = [];
    private readonly List<int> _flushes = [];

    /// <summary>What the store says of a report.</summary>
    private Func<FencedReport, WriteVerdict> _judge = _ => WriteVerdict.Accepted;

    public ResultWriterTests()
    {
        _lease = _parts.Lease();
        _parts.Grains
            .On("Trial.Settle", (_, _) => Task.CompletedTask)
            .On("Sweep.Report", (_, arguments) =>
            {
                lock (_told)
                    _told.AddRange((ImmutableArray<TrialEnding>)arguments[0]!);
                return Task.CompletedTask;
            });
        _reports = new(_parts.Grains.Factory, _parts.Time, new FakeLogger<CoordinatorReports>());
        var store = Fake<ISweepStore>.Of((_, arguments) =>
        {
            var reports = (IReadOnlyList<FencedReport>)arguments[0]!;
            lock (_flushes)
                _flushes.Add(reports.Count);
            return Task.FromResult(reports.Select(_judge).ToImmutableArray());
        });
        _writer = new(store, _reports, _parts.Grains.Factory, _parts.Metrics, _parts.Time, _log);
    }

    public async ValueTask InitializeAsync() => await _reports.StartAsync(CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await _writer.StopAsync(CancellationToken.None);
        await _reports.StopAsync(CancellationToken.None);
        _writer.Dispose();
        _reports.Dispose();
        _lease.Dispose();
        _parts.Dispose();
    }

    [Fact]
    public async Task Store_FailsTwice_NothingIsLost()
    {
        await using var cluster = await SlotCluster.StartAsync(failingWrites: 2);

        await cluster.SubmitAsync("0.1, 0.3, 0.5", epochs: 7);
        await cluster.FinishedAsync();

        Assert.Equal(21, await cluster.CountAsync("SELECT COUNT(*) FROM epochs WHERE epoch > 0"));
        Assert.All((await cluster.ResultsAsync()), result => Assert.Equal(
            (Outcome.Completed, 7, result.Key), (result.Value.Outcome, result.Value.Epochs, result.Value.ValidationAccuracy!.Value)));
        var progress = await cluster.Sweep.GetProgress();
        Assert.Equal((3, 0, 0), (progress!.Completed, progress.Running, progress.Waiting));
    }

    /// <param name="isTold">Whether the coordinator is told that the trial has ended.</param>
    /// <param name="isRefused">Whether the slot is told that the trial is another's.</param>
    /// <param name="isReported">Whether the lease counts it as a sign of life.</param>
    [Theory]
    [InlineData(WriteVerdict.Accepted, true, false, true)]
    [InlineData(WriteVerdict.AlreadyAccepted, true, false, false)]
    [InlineData(WriteVerdict.WillRetry, false, false, false)]
    [InlineData(WriteVerdict.Refused, false, true, false)]
    [InlineData(WriteVerdict.Invalid, false, true, false)]
    public async Task Ending_Judged_IsSettledAndPassedOnOnlyIfItIsDurable(WriteVerdict verdict, bool isTold, bool isRefused, bool isReported)
    {
        var last = new TrialId("digits-1", "0123456789abcdef", 2);
        _judge = report => report.Report.Trial == Trial ? verdict : WriteVerdict.Accepted;
        _parts.Grains.On("Sweep.RecountWaiting", (_, _) => Task.CompletedTask);
        await _writer.StartAsync(CancellationToken.None);

        await ConcludedAsync(Report(Trial, 2, new(Outcome.Failed, Failure: new(FailureClass.Infrastructure, "no disk"))));
        var isLeaseReported = _lease.Quiet is not null;
        await ConcludedAsync(Report(last, 2, new(Outcome.Completed)));

        // Whoever would be told at all is told before the one after it.
        await _parts.AdvanceUntilAsync(TimeSpan.FromSeconds(1), () => Told().Contains(last), "the coordinator to be told");
        Assert.Equal(isTold, Told().Contains(Trial));
        Assert.Equal(isRefused, _lease.IsRefused(Trial));
        Assert.Equal(isReported, isLeaseReported);
        Assert.Equal(2, _parts.Grains.Calls.Count(call => call == "Trial.Settle"));
        Assert.Equal(verdict is WriteVerdict.WillRetry, _parts.Grains.Calls.Contains("Sweep.RecountWaiting"));
    }

    [Fact]
    public async Task Epoch_Accepted_CallsNoGrain()
    {
        await _writer.StartAsync(CancellationToken.None);

        for (var epoch = 1; epoch <= 10; epoch++)
            await ConcludedAsync(Report(Trial, epoch));

        Assert.Empty(_parts.Grains.Calls);
    }

    [Fact]
    public async Task Enqueue_WhileTheStoreIsAway_ReportsWaitAndAreWrittenTogetherInTheirOrder()
    {
        var (isAway, seen) = (true, new List<int>());
        _judge = report =>
        {
            if (isAway)
                throw new StoreException("The store is away.");
            seen.Add(report.Report.Epoch);
            return WriteVerdict.Accepted;
        };
        var concluded = Enumerable.Range(1, 5).Select(epoch => Enqueue(Report(Trial, epoch))).ToList();
        await _writer.StartAsync(CancellationToken.None);
        await _parts.AdvanceUntilAsync(TimeSpan.FromSeconds(1), () => Flushes().Length >= 3, "three attempts");
        Assert.All(concluded, report => Assert.False(report.IsCompleted));

        isAway = false;
        await _parts.AdvanceUntilAsync(TimeSpan.FromSeconds(1), () => concluded.All(report => report.IsCompleted), "the store to have all");

        Assert.All(Flushes(), size => Assert.Equal(5, size));
        Assert.Equal([1, 2, 3, 4, 5], seen);
        Assert.Single(_log.Collector.GetSnapshot(), line => line.Level is LogLevel.Error);
    }

    [Fact]
    public async Task StopAsync_WithReportsInTheQueue_WritesThemFirst()
    {
        var concluded = Enumerable.Range(1, 5).Select(epoch => Enqueue(Report(Trial, epoch))).ToList();
        await _writer.StartAsync(CancellationToken.None);

        await _writer.StopAsync(CancellationToken.None).WaitAsync(Patience);

        Assert.All(concluded, report => Assert.True(report.IsCompletedSuccessfully));
    }

    [Fact]
    public async Task StopAsync_StoreAwayUntilTheEnd_EndsAndSaysWhatIsLost()
    {
        _judge = _ => throw new StoreException("The store is away.");
        var concluded = Enqueue(Report(Trial, 1));
        await _writer.StartAsync(CancellationToken.None);
        await _parts.AdvanceUntilAsync(TimeSpan.FromSeconds(1), () => Flushes().Length > 0, "an attempt");

        await _writer.StopAsync(new CancellationToken(canceled: true)).WaitAsync(Patience);

        await _parts.AdvanceUntilAsync(TimeSpan.FromSeconds(1),
            () => _log.Collector.GetSnapshot().Any(line => line.Message.Contains("1 reports are lost", StringComparison.Ordinal)), "the line");
        Assert.False(concluded.IsCompleted);
    }

    private Task ConcludedAsync(FencedReport report) => Enqueue(report).WaitAsync(Patience);

    private Task Enqueue(FencedReport report)
    {
        var concluded = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _writer.Enqueue(_lease, report, concluded.SetResult);
        return concluded.Task;
    }

    private TrialId[] Told()
    {
        lock (_told)
            return [.. _told.Select(ending => ending.Trial)];
    }

    private int[] Flushes()
    {
        lock (_flushes)
            return [.. _flushes];
    }

    private static FencedReport Report(TrialId trial, int epoch, Ending? ending = null) => new(new(trial, epoch, 0.1, 0.2, 0.75, 40, 0.5, ending), 7);
}
