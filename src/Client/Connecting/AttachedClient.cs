using System.Net;
using DeepTrain.Cluster.Silo.DataFolders;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;

namespace DeepTrain.Cluster.Client.Connecting;

/// <summary>An Orleans client that connects to silos in other processes.</summary>
internal sealed class AttachedClient(IHost host) : IAsyncDisposable
{
    /// <summary>If a call takes longer, the owner is considered dead.</summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(10);

    public IGrainFactory Grains => host.Services.GetRequiredService<IGrainFactory>();

    /// <summary>Configures a client for the one silo that owns a data folder.</summary>
    public static void Reach(IClientBuilder client, Gateway gateway) => client
        .UseStaticClustering(IPEndPoint.Parse(gateway.Endpoint))
        .Configure<ClusterOptions>(options =>
        {
            options.ServiceId = gateway.ServiceId;
            options.ClusterId = gateway.ClusterId;
        });

    /// <exception cref="Exception">No process listens there, or it has stopped listening.</exception>
    public static async Task<AttachedClient> ConnectAsync(Action<IClientBuilder> reach, CancellationToken cancellation)
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.UseOrleansClient(client =>
        {
            reach(client);
            client.Configure<ClientMessagingOptions>(options => options.ResponseTimeout = AnswerTime);
        });
        var host = builder.Build();
        // A suspended owner accepts the connection but does not respond.
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(AnswerTime);
        try
        {
            await host.StartAsync(patience.Token);
            return new(host);
        }
        catch
        {
            host.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await host.StopAsync();
        }
        finally
        {
            host.Dispose();
        }
    }
}
