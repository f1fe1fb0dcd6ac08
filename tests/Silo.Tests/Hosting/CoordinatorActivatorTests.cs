using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using DeepTrain.Cluster.Client.Tests;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Tests;
using DeepTrain.Cluster.Silo.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class CoordinatorActivatorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly FakeTimeProvider _time = new();
    private readonly FakeLogger<CoordinatorActivator> _log = new();

    public void Dispose()
    {
        _services.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task ExecuteAsync_CoordinatorThatIsFrozen_DoesNotHoldUpTheOthers()
    {
        var never = new TaskCompletionSource();
        var grains = new FakeGrains((sweepId, _) => sweepId == "frozen-1" ? never.Task : Task.CompletedTask);
        using var activator = Activator(grains, "frozen-1", "a-1", "b-1");
        await activator.StartAsync(CancellationToken.None);

        await CalledAsync(grains, 3);

        await activator.StopAsync(CancellationToken.None);
        Assert.Equal("Unfinished sweeps lack a coordinator that answers. It is tried again until it succeeds: frozen-1: The operation has timed out.",
            Assert.Single(_log.Collector.GetSnapshot()).Message);
    }

    [Fact]
    public async Task ExecuteAsync_CoordinatorThatFails_IsTouchedAgainAndSoAreTheOthers()
    {
        var grains = new FakeGrains((sweepId, calls) =>
            sweepId == "broken-1" && calls < 3 ? Task.FromException(new OrleansException("broken")) : Task.CompletedTask);
        using var activator = Activator(grains, "broken-1", "a-1", "b-1");
        await activator.StartAsync(CancellationToken.None);

        await CalledAsync(grains, 4);

        await activator.StopAsync(CancellationToken.None);
        Assert.Equal(2, _log.Collector.Count);
        Assert.StartsWith("Over after ", _log.LatestRecord.Message, StringComparison.Ordinal);
    }

    private CoordinatorActivator Activator(FakeGrains grains, params ImmutableArray<string> unfinished) => new(
        Fake<ISweepReader>.Of((_, _) => Task.FromResult(unfinished)), grains.Factory, new(),
        new(_services.GetRequiredService<IMeterFactory>(), new(), new(_folder.Root)), _time, _log);

    /// <summary>Lets time pass until all coordinators have been called so often.</summary>
    private Task CalledAsync(FakeGrains grains, int calls) => Eventually.True(() =>
    {
        _time.Advance(TimeSpan.FromSeconds(1));
        return Task.FromResult(((string[])["a-1", "b-1", "frozen-1", "broken-1"]).Count(sweep => grains.Calls(sweep) >= calls) == 3);
    }, $"{calls} calls of each coordinator");
}
