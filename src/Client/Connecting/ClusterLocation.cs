using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Silo.Hosting;
using DeepTrain.Cluster.Silo.Settings;
using DeepTrain.Cluster.Silo.Storage.Postgres;

namespace DeepTrain.Cluster.Client.Connecting;

/// <summary>A cluster, accessed from inside its network: grains through the membership in Redis, the store in PostgreSQL.</summary>
/// <param name="settingsFile">The value of --settings on the command line; null where it is not given.</param>
internal sealed class ClusterLocation(SiloSettings settings, ClusterServers servers, string? settingsFile) : SweepLocation
{
    /// <summary>A client may first try a silo that has just died.</summary>
    private const int Attempts = 3;

    public override DataFolder Folder { get; } = new(settings.Data);

    public override ISweepReader Reader { get; } = new PostgresSweepReader(servers.Postgres);

    public override string Option =>
        settingsFile is null ? " --cluster" : $" --cluster --settings {ShellWords.Quote(settingsFile)}";

    public override Task<SweepConnection> OpenAsync(EmbeddedSettings settings, TimeProvider time, CancellationToken cancellation) =>
        OpenAsync(cancellation);

    public override async Task<SweepConnection> OpenAsync(CancellationToken cancellation)
    {
        await Membership.CheckAsync(servers.Redis);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var client = await AttachedClient.ConnectAsync(client => client.UseMembership(servers), cancellation);
                return new(client.Grains, Reader, "the cluster", client.DisposeAsync, CancellationToken.None);
            }
            catch (Exception) when (attempt < Attempts && !cancellation.IsCancellationRequested)
            {
                await Console.Error.WriteLineAsync($"no silo of cluster '{servers.ClusterId}' answers yet: trying again");
            }
            catch (Exception error) when (!cancellation.IsCancellationRequested)
            {
                throw new UserException(ExitCode.NotFound,
                    $"no silo of cluster '{servers.ClusterId}' answers ({error.Message}). Its membership is in Redis at {servers.Redis}: "
                    + "do its coordinators run, and can this machine reach their gateway ports?");
            }
        }
    }

    public override async Task<SweepConnection?> TryAttachAsync(CancellationToken cancellation) =>
        // Only the cluster could train here, so its connection errors are reported unchanged.
        await OpenAsync(cancellation);
}
