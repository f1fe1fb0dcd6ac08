using k8s.Models;

namespace DeepTrain.Cluster.Deploy.Tests;

/// <summary>Which pods a selector selects.</summary>
internal static class Selection
{
    public static bool Selects(this V1LabelSelector selector, Pod pod) =>
        (selector.MatchLabels ?? new Dictionary<string, string>()).All(label => pod.Label(label.Key) == label.Value)
        && (selector.MatchExpressions ?? []).All(expression => expression.OperatorProperty switch
        {
            "In" => expression.Values.Contains(pod.Label(expression.Key) ?? ""),
            "NotIn" => !expression.Values.Contains(pod.Label(expression.Key) ?? ""),
            "Exists" => pod.Label(expression.Key) is not null,
            "DoesNotExist" => pod.Label(expression.Key) is null,
            var other => throw new NotSupportedException($"There is no operator '{other}'."),
        });

    public static bool Selects(this IDictionary<string, string> labels, Pod pod) => new V1LabelSelector { MatchLabels = labels }.Selects(pod);
}
