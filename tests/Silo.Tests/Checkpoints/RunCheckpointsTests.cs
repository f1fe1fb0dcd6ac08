using DeepTrain.Cluster.Grains;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class RunCheckpointsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly ServiceProvider _services;

    public RunCheckpointsTests() => _services = new ServiceCollection().AddMetrics()
        .AddSingleton<ActiveSweeps>().AddSingleton(new DataFolder(_folder.Root)).AddSingleton<ClusterMetrics>().BuildServiceProvider();

    public void Dispose()
    {
        _services.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Follow_TrialTakenOver_KeepsOnlyWhatWasTheLastFileThen()
    {
        using var lease = new HeldLease("digits-1", Guid.NewGuid(), new("silo", 0), _time.GetTimestamp(), TimeSpan.FromSeconds(20), _time);
        var checkpoints = new RunCheckpoints(_folder.Root, "run", lease, TimeSpan.Zero, _services.GetRequiredService<ClusterMetrics>(), _time, NullLogger.Instance);
        foreach (var name in (string[])["1", "2", "3", "4", "5"])
            File.WriteAllText(_folder[name], "");

        checkpoints.Follow("1");
        checkpoints.Follow("2");
        Assert.Equal(["2", "3", "4", "5"], Files());

        lease.Refuse(new("digits-1", "0123456789abcdef", 1));
        checkpoints.Follow("3");
        checkpoints.Follow("4");
        Assert.Equal(["2", "4", "5"], Files());

        lease.Refuse(new("digits-1", "0123456789abcdef", 2));
        checkpoints.Follow("5");
        checkpoints.Follow(null);
        Assert.Equal(["2", "4"], Files());
    }

    private IEnumerable<string?> Files() => Directory.GetFiles(_folder.Root).Select(Path.GetFileName).Order(StringComparer.Ordinal);
}
