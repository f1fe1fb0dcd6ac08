using DeepTrain.Cluster.Grains.Store;

namespace DeepTrain.Cluster.Client.Connecting;

/// <summary>The connection to the grains of a location.</summary>
/// <param name="owner">A description of the process that trains there; null where it is this process.</param>
/// <param name="ended">Cancelled when the silo of this process stops on its own.</param>
internal sealed class SweepConnection(
    IGrainFactory grains, ISweepReader reader, string? owner, Func<ValueTask> close, CancellationToken ended) : IAsyncDisposable
{
    public IGrainFactory Grains => grains;

    public ISweepReader Reader => reader;

    public string? Owner => owner;

    public CancellationToken Ended => ended;

    /// <summary>Whether a call failed because the owner has died or hangs, and not because it returned an error.</summary>
    public bool IsLost(Exception exception) => owner is not null && IsSilence(exception);

    /// <summary>Whether an exception means that the call was not answered.</summary>
    public static bool IsSilence(Exception exception) => exception is OrleansException or TimeoutException;

    /// <summary>Checks with a cheap call whether the owner responds.</summary>
    /// <exception cref="Exception">It does not respond: <see cref="IsSilence"/>.</exception>
    public Task CheckAsync() => owner is null ? Task.CompletedTask : grains.GetGrain<IManagementGrain>(0).GetHosts(onlyActive: true);

    public ValueTask DisposeAsync() => close();
}
