using DeepTrain.Cluster.Grains.Tests;
using DeepTrain.Cluster.Silo.Monitoring;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class PeriodicServiceTests
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    private readonly FakeTimeProvider _time = new();
    private readonly FakeLogger _log = new();

    private IEnumerable<string> Lines => _log.Collector.GetSnapshot().Select(record => record.Message);

    [Fact]
    public async Task ExecuteAsync_RoundThatFails_IsFollowedByTheNextAfterAPeriod()
    {
        using var service = Service(_ => throw new IOException("refused"));
        await service.StartAsync(CancellationToken.None);

        await RoundsAsync(service, 1);
        _time.Advance(Period / 2);
        Assert.Equal(1, service.Rounds);
        for (var round = 2; round <= 4; round++)
        {
            await PassAsync(service, round);
        }
        await service.StopAsync(CancellationToken.None);
        Assert.Equal(["It is away. It is tried again until it succeeds: refused"], Lines);
    }

    [Fact]
    public async Task RunRoundAsync_SucceedsAfterFailures_SaysSoOnce()
    {
        var isAway = true;
        using var service = Service(_ => isAway ? throw new IOException("refused") : Task.CompletedTask);

        for (var round = 0; round < 3; round++)
        {
            await service.RunRoundAsync(CancellationToken.None);
            _time.Advance(Period);
        }
        isAway = false;
        await service.RunRoundAsync(CancellationToken.None);
        await service.RunRoundAsync(CancellationToken.None);

        Assert.Equal(["It is away. It is tried again until it succeeds: refused", "Over after 30 s: It is away."], Lines);
    }

    [Fact]
    public async Task TryAsync_OneOfSeveralFails_DoesTheOthersAndTheRoundCountsAsFailed()
    {
        List<string> done = [];
        using var service = Service(_ => Task.CompletedTask);
        service.Work = async stopping =>
        {
            foreach (var item in (string[])["a", "b", "c"])
                await service.TryItemAsync(item, () => item == "b" ? throw new IOException("refused") : Task.Run(() => done.Add(item)), stopping);
        };

        await service.RunRoundAsync(CancellationToken.None);
        await service.RunRoundAsync(CancellationToken.None);

        Assert.Equal(["a", "c", "a", "c"], done);
        Assert.Equal(["It is away. It is tried again until it succeeds: b: refused"], Lines);
    }

    [Fact]
    public async Task StopAsync_WithinARound_EndsItWithoutAWord()
    {
        using var service = Service(stopping => Task.Delay(Timeout.InfiniteTimeSpan, _time, stopping));
        await service.StartAsync(CancellationToken.None);
        await RoundsAsync(service, 1);

        await service.StopAsync(CancellationToken.None);

        Assert.True(service.ExecuteTask!.IsCompleted);
        Assert.Empty(Lines);
    }

    private Repeated Service(Func<CancellationToken, Task> work) => new(_log, _time) { Work = work };

    /// <summary>Lets a period pass. The service may not wait for it yet when its round has just ended.</summary>
    private async Task PassAsync(Repeated service, int rounds) => await Eventually.True(() =>
    {
        if (service.Rounds < rounds)
            _time.Advance(Period);
        return Task.FromResult(service.Rounds >= rounds);
    }, $"round {rounds}");

    private static Task RoundsAsync(Repeated service, int rounds) =>
        Eventually.True(() => Task.FromResult(service.Rounds == rounds), $"round {rounds}");

    private sealed class Repeated(ILogger log, TimeProvider time) : PeriodicService(Period, new("It is away.", LogLevel.Warning, log, time), time)
    {
        private int _rounds;

        public int Rounds => Volatile.Read(ref _rounds);

        public required Func<CancellationToken, Task> Work { get; set; }

        public Task TryItemAsync(string item, Func<Task> work, CancellationToken stopping) => TryAsync(item, work, stopping);

        protected override Task RunAsync(CancellationToken stopping)
        {
            Interlocked.Increment(ref _rounds);
            return Work(stopping);
        }
    }
}
