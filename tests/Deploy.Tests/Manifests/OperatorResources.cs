using k8s;
using k8s.Models;

namespace DeepTrain.Cluster.Deploy.Tests;

/// <summary>As far as it is used here, what the Prometheus operator calls a PodMonitor.</summary>
internal sealed class PodMonitor : IKubernetesObject<V1ObjectMeta>
{
    public required string ApiVersion { get; set; }

    public required string Kind { get; set; }

    public required V1ObjectMeta Metadata { get; set; }

    public required PodMonitorSpec Spec { get; set; }
}

internal sealed class PodMonitorSpec
{
    public string? JobLabel { get; set; }

    public required V1LabelSelector Selector { get; set; }

    public required IList<PodMetricsEndpoint> PodMetricsEndpoints { get; set; }
}

internal sealed class PodMetricsEndpoint
{
    public required string Port { get; set; }

    public required string Path { get; set; }

    public string? Interval { get; set; }
}

/// <summary>As far as it is used here, what the Prometheus operator calls a PrometheusRule; its groups are those of a rule file.</summary>
internal sealed class PrometheusRule : IKubernetesObject<V1ObjectMeta>
{
    public required string ApiVersion { get; set; }

    public required string Kind { get; set; }

    public required V1ObjectMeta Metadata { get; set; }

    public required PrometheusRuleSpec Spec { get; set; }
}

internal sealed class PrometheusRuleSpec
{
    public required IList<RuleGroup> Groups { get; set; }
}
