namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>Starts another silo in the place of each that has ended, as Kubernetes would.</summary>
internal sealed class Supervisor : IAsyncDisposable
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(200);

    private readonly PeriodicTimer _timer = new(LookInterval);
    private readonly Task _watching;

    public Supervisor(TestCluster cluster) => _watching = WatchAsync(cluster);

    /// <summary>How many it had to start.</summary>
    public int Restarts { get; private set; }

    public async ValueTask DisposeAsync()
    {
        _timer.Dispose();
        await _watching;
    }

    private async Task WatchAsync(TestCluster cluster)
    {
        while (await _timer.WaitForNextTickAsync())
            foreach (var silo in cluster.Silos.Where(silo => silo.HasExited).ToList())
            {
                silo.Start();
                Restarts++;
            }
    }
}
