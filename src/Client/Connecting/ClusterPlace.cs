using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Silo;

namespace DeepTrain.Cluster.Client;

/// <summary>A cluster, reached from inside its network: grains by the membership in Redis, the store in PostgreSQL.</summary>
internal sealed class ClusterPlace(SiloSettings settings, ClusterServers servers) : Place
{
    public override DataFolder Folder { get; } = new(settings.Data);

    public override ISweepReader Reader { get; } = new PostgresSweepReader(servers.Postgres);

    public override string Option => " --cluster";

    public override async Task<SweepConnection> OpenAsync(EmbeddedSettings settings, TimeProvider time, CancellationToken cancellation) =>
        await TryAttachAsync(cancellation)
        ?? throw new UserException(ExitCode.NotFound,
            $"no silo of cluster '{servers.ClusterId}' answers (membership in Redis at {servers.Redis}). Do its coordinators run?");

    public override async Task<SweepConnection?> TryAttachAsync(CancellationToken cancellation)
    {
        await Membership.CheckAsync(servers.Redis);
        return await AttachedClient.TryConnectAsync(client => client.UseMembership(servers), cancellation) is { } client
            ? new(client.Grains, Reader, "the cluster", client.DisposeAsync, CancellationToken.None)
            : null;
    }
}
