using DeepTrain.Cluster.Silo.Monitoring;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using StackExchange.Redis;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class OutageLogTests
{
    private const string Begins = "It is away. It is tried again until it succeeds: refused";

    private readonly FakeTimeProvider _time = new();
    private readonly FakeLogger _log = new();
    private readonly OutageLog _outage;

    public OutageLogTests() => _outage = new("It is away.", LogLevel.Error, _log, _time);

    private IEnumerable<(LogLevel, string)> Lines => _log.Collector.GetSnapshot().Select(record => (record.Level, record.Message));

    [Fact]
    public void Failed_ManyTimes_IsToldOnceAndSoIsItsEnd()
    {
        _outage.Succeeded();
        Fail(40, TimeSpan.FromSeconds(1));
        _outage.Succeeded();
        _outage.Succeeded();

        Assert.Equal([(LogLevel.Error, Begins), (LogLevel.Information, "Over after 40 s: It is away.")], Lines);
    }

    [Fact]
    public void Failed_AgainWithinAMinute_IsToldOnceItHasBeenOne()
    {
        Fail(1, TimeSpan.FromSeconds(1));
        _outage.Succeeded();
        // What comes and goes.
        for (var round = 0; round < 10; round++)
        {
            Fail(1, TimeSpan.FromSeconds(2));
            _outage.Succeeded();
        }
        Assert.Equal(2, Lines.Count());

        Fail(60, TimeSpan.FromSeconds(1));

        Assert.Equal([Begins, "Over after 1 s: It is away.", Begins], Lines.Select(line => line.Item2));
    }

    [Fact]
    public void Failed_ForHours_IsToldEachHour()
    {
        Fail(150, TimeSpan.FromMinutes(1));
        _outage.Succeeded();

        Assert.Equal([Begins, Begins, Begins, "Over after 9000 s: It is away."], Lines.Select(line => line.Item2));
    }

    [Fact]
    public void Failed_ForOneOfSeveral_NamesItAndShowsWhatMayBeOurError()
    {
        _outage.Failed(new InvalidOperationException("no element"), "digits-1");

        var record = Assert.Single(_log.Collector.GetSnapshot());
        Assert.Equal("It is away. It is tried again until it succeeds: digits-1: no element", record.Message);
        Assert.IsType<InvalidOperationException>(record.Exception);
    }

    [Fact]
    public void Failed_ForSilosOrServersThatAreAway_IsToldInAWord()
    {
        _outage.Failed(new OrleansException("No active nodes are compatible with grain sweep and interface DeepTrain.Sweep version 0."));
        _time.Advance(TimeSpan.FromHours(1));
        _outage.Failed(new RedisTimeoutException(CommandFlags.None, "SocketClosed on 127.0.0.1:1, Idle/Init, last: HGETALL", CommandStatus.Unknown));

        Assert.All(_log.Collector.GetSnapshot(), record => Assert.Null(record.Exception));
        Assert.Equal(["no coordinator is active.", "SocketClosed on 127.0.0.1:1."], Lines.Select(line => line.Item2[Begins.IndexOf("refused", StringComparison.Ordinal)..]));
    }

    private void Fail(int times, TimeSpan apart)
    {
        for (var time = 0; time < times; time++)
        {
            _outage.Failed(new IOException("refused"));
            _time.Advance(apart);
        }
    }
}
