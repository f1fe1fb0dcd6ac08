using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Silo.Hosting;
using DeepTrain.Cluster.Silo.Settings;
using DeepTrain.Cluster.Silo.Storage.Sqlite;

namespace DeepTrain.Cluster.Client.Connecting;

/// <summary>A data folder on this machine. This process starts a silo if the folder is free, or connects to its owner's silo.</summary>
/// <param name="settingsFile">What the command line named with --settings; null: nothing.</param>
internal sealed class FolderLocation(string path, string? settingsFile) : SweepLocation
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan SilentWait = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    public override DataFolder Folder { get; } = new(path);

    public override ISweepReader Reader => new SqliteSweepReader(Folder.Database);

    public override string Option => path == CommonOptions.DefaultData ? "" : $" --data {ShellWords.Quote(path)}";

    public override Task<SweepConnection> OpenAsync(CancellationToken cancellation) =>
        OpenAsync(CommonOptions.OwnerSettings(settingsFile), TimeProvider.System, cancellation);

    public override async Task<SweepConnection> OpenAsync(EmbeddedSettings settings, TimeProvider time, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        var told = false;
        while (true)
        {
            // An owner may start, end or die between two attempts, so each round tries both ways.
            if (DataFolderLock.TryAcquire(Folder) is { } ownership)
                return await OwnAsync(ownership, settings, time, cancellation);
            if (await TryAttachAsync(cancellation) is { } attached)
                return attached;
            var waited = time.GetElapsedTime(began);
            if (waited > Patience)
                throw new UserException(ExitCode.NotFound,
                    $"another process holds a lock on {Folder.LockFile} but does not answer. End it, or give another folder with --data. "
                    + $"On Linux this names it: fuser -v {ShellWords.Quote(Folder.LockFile)}");
            if (!told && waited > SilentWait)
            {
                await Console.Error.WriteLineAsync($"waiting for the process that holds a lock on {Folder.LockFile}, {Patience.TotalSeconds:0} s at most");
                told = true;
            }
            await Task.Delay(Pause, time, cancellation);
        }
    }

    public override async Task<SweepConnection?> TryAttachAsync(CancellationToken cancellation)
    {
        if (Folder.ReadGateway() is not { } gateway)
            return null;
        try
        {
            var client = await AttachedClient.ConnectAsync(client => AttachedClient.Reach(client, gateway), cancellation);
            return new(client.Grains, Reader, $"process {gateway.ProcessId}", client.DisposeAsync, CancellationToken.None);
        }
        catch (Exception) when (!cancellation.IsCancellationRequested)
        {
            return null;
        }
    }

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
