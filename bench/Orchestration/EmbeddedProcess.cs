using DeepTrain.Cluster.Silo;

namespace DeepTrain.Cluster.Bench;

/// <summary>The other side of <see cref="SiloProcess"/>: an embedded silo as the program starts it, until the process is killed.</summary>
internal static class EmbeddedProcess
{
    public static async Task RunAsync(string data, int slots, CancellationToken cancellation)
    {
        using var ownership = DataFolderLock.TryAcquire(new(data)) ?? throw new IOException($"{data} has an owner already.");
        await using var silo = await EmbeddedSilo.StartAsync(
            ownership, new(slots, MetricsPort: null, Console.Error.WriteLine), TimeProvider.System, cancellation);
        await Task.Delay(Timeout.Infinite, cancellation).ContinueWith(_ => { }, TaskScheduler.Default);
    }
}
