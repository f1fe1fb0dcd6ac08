using k8s.Models;

namespace DeepTrain.Cluster.Deploy.Tests;

/// <summary>Who reaches whom, by the network policies: a pod that any of them is about is reached, and reaches out, only as they allow.</summary>
internal sealed class Traffic(Manifests manifests)
{
    public bool Allows(Pod from, Pod to, int port) => Leaves(from, to, port) && Enters(to, port, peer => IsPeer(peer, from));

    /// <summary>From a pod of another namespace.</summary>
    public bool AllowsFrom(string nameSpace, Pod to, int port) => Enters(to, port, peer => IsNamespace(peer, nameSpace));

    /// <summary>To an address outside the cluster.</summary>
    public bool AllowsOutside(Pod from, int port, string protocol = "TCP") => Policies(from, "Egress")
        .Any(policy => (policy.Spec.Egress ?? []).Any(rule =>
            Has(rule.Ports, port, protocol) && (rule.To is null or [] || rule.To.Any(peer => peer.IpBlock is not null))));

    private bool Leaves(Pod from, Pod to, int port) => Open(from, "Egress") || Policies(from, "Egress")
        .Any(policy => (policy.Spec.Egress ?? []).Any(rule => Has(rule.Ports, port, "TCP") && (rule.To is null or [] || rule.To.Any(peer => IsPeer(peer, to)))));

    private bool Enters(Pod to, int port, Func<V1NetworkPolicyPeer, bool> isFrom) => Open(to, "Ingress") || Policies(to, "Ingress")
        .Any(policy => (policy.Spec.Ingress ?? []).Any(rule => Has(rule.Ports, port, "TCP") && (rule.FromProperty is null or [] || rule.FromProperty.Any(isFrom))));

    private bool Open(Pod pod, string direction) => !Policies(pod, direction).Any();

    private IEnumerable<V1NetworkPolicy> Policies(Pod pod, string direction) => manifests.Of<V1NetworkPolicy>()
        .Where(policy => policy.Spec.PolicyTypes.Contains(direction) && (policy.Spec.PodSelector ?? new()).Selects(pod));

    private static bool Has(IList<V1NetworkPolicyPort>? ports, int port, string protocol) =>
        ports is null or [] || ports.Any(each => each.Port.ToString() == $"{port}" && each.Protocol == protocol);

    private static bool IsPeer(V1NetworkPolicyPeer peer, Pod pod) => peer is { PodSelector: { } selector, NamespaceSelector: null } && selector.Selects(pod);

    private static bool IsNamespace(V1NetworkPolicyPeer peer, string name) =>
        peer.NamespaceSelector?.MatchLabels?.TryGetValue("kubernetes.io/metadata.name", out var named) == true && named == name;
}
