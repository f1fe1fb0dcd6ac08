using DeepTrain.Cluster.Grains.Monitoring;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Tests;
using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Silo.Monitoring;
using DeepTrain.Cluster.Silo.Slots;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace DeepTrain.Cluster.Silo.Tests;

/// <summary>What a silo's slots stand on, with scripted grains and a clock that the test moves.</summary>
internal sealed class SlotParts : IDisposable
{
    private readonly TemporaryFolder _root = new();
    private readonly ServiceProvider _services;

    public SlotParts()
    {
        Folder = new(_root.Root);
        Directory.CreateDirectory(Folder.Checkpoints);
        _services = new ServiceCollection().AddMetrics()
            .AddSingleton<ActiveSweeps>().AddSingleton(Folder).AddSingleton<ClusterMetrics>().BuildServiceProvider();
    }

    public FakeTimeProvider Time { get; } = new();

    public ScriptedGrains Grains { get; } = new();

    public DataFolder Folder { get; }

    public ClusterMetrics Metrics => _services.GetRequiredService<ClusterMetrics>();

    public HeldLease Lease() => new("digits-1", Guid.NewGuid(), new("silo", 0), Time.GetTimestamp(), new LeaseTimes().WorkerDeadline, Time);

    /// <summary>Moves the clock, a step each look, until a condition holds.</summary>
    public Task AdvanceUntilAsync(TimeSpan step, Func<bool> condition, string what) => Eventually.True(() =>
    {
        if (condition())
            return Task.FromResult(true);
        Time.Advance(step);
        return Task.FromResult(false);
    }, what);

    public void Dispose()
    {
        _services.Dispose();
        _root.Dispose();
    }
}
