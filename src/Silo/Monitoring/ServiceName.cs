using OpenTelemetry.Resources;

namespace DeepTrain.Cluster.Silo.Monitoring;

/// <summary>The names under which a silo's metrics and spans are published.</summary>
/// <param name="Instance">The silo's name.</param>
internal sealed record ServiceName(string Instance)
{
    public void Describe(ResourceBuilder resource) => resource.AddService("deeptrain", serviceInstanceId: Instance);
}
