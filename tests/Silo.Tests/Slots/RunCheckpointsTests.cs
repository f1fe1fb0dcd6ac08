using DeepTrain.Cluster.Client.Tests;
using DeepTrain.Cluster.Silo.Slots;
using DeepTrain.Cluster.Sweeps.Trainers;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class RunCheckpointsTests : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    private readonly SlotParts _parts = new();
    private readonly FakeLogger<CheckpointWriter> _log = new();
    private readonly HeldLease _lease;
    private readonly RunCheckpoints _checkpoints;

    public RunCheckpointsTests()
    {
        _lease = _parts.Lease();
        _checkpoints = new CheckpointWriter(_parts.Folder, new(1, Interval, Interval), _parts.Metrics, _parts.Time, _log).Begin(_lease, "run");
    }

    public void Dispose()
    {
        _lease.Dispose();
        _parts.Dispose();
    }

    [Fact]
    public void Follow_TrialTakenOver_KeepsOnlyWhatWasTheLastFileThen()
    {
        foreach (var name in (string[])["1", "2", "3", "4", "5"])
            File.WriteAllText(Path.Combine(_parts.Folder.Checkpoints, name), "");

        _checkpoints.Follow("1");
        _checkpoints.Follow("2");
        Assert.Equal(["2", "3", "4", "5"], Files());

        _lease.Refuse(new("digits-1", "0123456789abcdef", 1));
        _checkpoints.Follow("3");
        _checkpoints.Follow("4");
        Assert.Equal(["2", "4", "5"], Files());

        _lease.Refuse(new("digits-1", "0123456789abcdef", 2));
        _checkpoints.Follow("5");
        _checkpoints.Follow(null);
        Assert.Equal(["2", "4"], Files());
    }

    [Fact]
    public void IsDue_AnIntervalAfterItWasTriedLast()
    {
        Assert.False(_checkpoints.IsDue);
        _parts.Time.Advance(Interval);
        Assert.True(_checkpoints.IsDue);

        Assert.Equal("run-4.safetensors", _checkpoints.Save(Run(path => File.WriteAllText(path, ""))));

        Assert.False(_checkpoints.IsDue);
        Assert.Equal(["run-4.safetensors"], Files());
    }

    [Fact]
    public void Save_FailsAgainAndAgain_IsNotTriedAtOnceAndToldOnce()
    {
        Assert.True(_checkpoints.IsWorthTrying);
        for (var attempt = 0; attempt < 5; attempt++)
        {
            Assert.Null(_checkpoints.Save(Run(_ => throw new IOException("No space left on device."))));
            Assert.False(_checkpoints.IsWorthTrying);
            _parts.Time.Advance(TimeSpan.FromSeconds(5));
            Assert.True(_checkpoints.IsWorthTrying);
        }
        Assert.NotNull(_checkpoints.Save(Run(path => File.WriteAllText(path, ""))));

        Assert.True(_checkpoints.IsWorthTrying);
        var lines = _log.Collector.GetSnapshot();
        // The outage, the checkpoint, and the outage's end.
        Assert.Equal([LogLevel.Error, LogLevel.Information, LogLevel.Information], lines.Select(line => line.Level));
        Assert.Contains("No space left on device.", lines[0].Message, StringComparison.Ordinal);
    }

    private static ITrainingRun Run(Action<string> save) => Fake<ITrainingRun>.Of((method, arguments) =>
    {
        if (method != nameof(ITrainingRun.Save))
            return 4;
        save((string)arguments[0]!);
        return null;
    });

    private IEnumerable<string?> Files() => Directory.GetFiles(_parts.Folder.Checkpoints).Select(Path.GetFileName).Order(StringComparer.Ordinal);
}
