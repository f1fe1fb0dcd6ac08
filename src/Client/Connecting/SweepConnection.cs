using DeepTrain.Cluster.Grains.Store;

namespace DeepTrain.Cluster.Client.Connecting;

/// <summary>The connection to a location's grains.</summary>
/// <param name="owner">Who trains there, as a person is told; null: this process.</param>
/// <param name="ended">Cancelled when the silo of this process ends by itself.</param>
internal sealed class SweepConnection(
    IGrainFactory grains, ISweepReader reader, string? owner, Func<ValueTask> close, CancellationToken ended) : IAsyncDisposable
{
    public IGrainFactory Grains => grains;

    public ISweepReader Reader => reader;

    public string? Owner => owner;

    public CancellationToken Ended => ended;

    /// <summary>Whether a call failed because the owner has gone or hangs, rather than that it answered with an error.</summary>
    public bool IsLost(Exception exception) => owner is not null && IsSilence(exception);

    /// <summary>Whether an exception of a call says that nobody answered it.</summary>
    public static bool IsSilence(Exception exception) => exception is OrleansException or TimeoutException;

    /// <summary>Asks the owner for a sign of life, which costs it nothing.</summary>
    /// <exception cref="Exception">It gives none: <see cref="IsSilence"/>.</exception>
    public Task CheckAsync() => owner is null ? Task.CompletedTask : grains.GetGrain<IManagementGrain>(0).GetHosts(onlyActive: true);

    public ValueTask DisposeAsync() => close();
}
