using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Silo;

namespace DeepTrain.Cluster.Client;

/// <summary>The way to a data folder's grains: the silo of this process if the folder was free, else the silo that owns it.</summary>
/// <param name="ended">Cancelled when the silo of this process ends by itself.</param>
internal sealed class SweepConnection(
    IGrainFactory grains, ISweepReader reader, int? ownerPid, Func<ValueTask> close, CancellationToken ended) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    public IGrainFactory Grains => grains;

    public ISweepReader Reader => reader;

    /// <summary>The process that owns the folder; null: this one.</summary>
    public int? OwnerPid => ownerPid;

    public CancellationToken Ended => ended;

    /// <summary>Becomes the folder's owner, or attaches to whoever is.</summary>
    /// <exception cref="UserException">The folder is held, but its owner does not answer.</exception>
    public static async Task<SweepConnection> OpenAsync(
        DataFolder folder, EmbeddedSettings settings, TimeProvider time, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            // Between two looks an owner may start, end or die: each round tries both ways.
            if (DataFolderLock.TryAcquire(folder) is { } ownership)
                return await OwnAsync(ownership, settings, time, cancellation);
            if (await TryAttachAsync(folder, cancellation) is { } attached)
                return attached;
            if (time.GetElapsedTime(began) > Patience)
                throw new UserException(ExitCode.NotFound,
                    $"another process holds {folder.Root} but does not answer. End it, or give another folder with --data.");
            await Task.Delay(Pause, time, cancellation);
        }
    }

    /// <summary>Attaches to the folder's owner. Null: it has none, or none that answers.</summary>
    public static async Task<SweepConnection?> TryAttachAsync(DataFolder folder, CancellationToken cancellation) =>
        folder.ReadGateway() is { } gateway && await AttachedClient.TryConnectAsync(gateway, cancellation) is { } client
            ? new(client.Grains, new SqliteSweepReader(folder.Database), gateway.ProcessId, client.DisposeAsync, CancellationToken.None)
            : null;

    /// <summary>Whether a call failed because the owner has gone or hangs, rather than that it answered with an error.</summary>
    public bool IsLost(Exception exception) => ownerPid is not null && IsSilence(exception);

    /// <summary>Whether an exception of a call says that nobody answered it.</summary>
    public static bool IsSilence(Exception exception) => exception is OrleansException or TimeoutException;

    public ValueTask DisposeAsync() => close();

    private static async Task<SweepConnection> OwnAsync(
        DataFolderLock ownership, EmbeddedSettings settings, TimeProvider time, CancellationToken cancellation)
    {
        try
        {
            var silo = await EmbeddedSilo.StartAsync(ownership, settings, time, cancellation);
            return new(silo.Grains, silo.Reader, null, async () =>
            {
                try
                {
                    await silo.DisposeAsync();
                }
                finally
                {
                    ownership.Dispose();
                }
            }, silo.Ended);
        }
        catch
        {
            ownership.Dispose();
            throw;
        }
    }
}
