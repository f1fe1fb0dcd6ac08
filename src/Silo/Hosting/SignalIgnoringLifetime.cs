using Microsoft.Extensions.Hosting;

namespace DeepTrain.Cluster.Silo.Hosting;

/// <summary>Leaves signals to the program that started the silo.</summary>
internal sealed class SignalIgnoringLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
