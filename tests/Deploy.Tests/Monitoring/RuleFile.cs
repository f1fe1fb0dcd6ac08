namespace DeepTrain.Cluster.Deploy.Tests;

/// <summary>One rule; the properties of all three are those that Prometheus defines, and its operator for Kubernetes.</summary>
internal sealed class Rule
{
    public string? Record { get; init; }

    public string? Alert { get; init; }

    public string Expr { get; init; } = "";

    public string? For { get; init; }

    public Dictionary<string, string> Labels { get; init; } = [];

    public Dictionary<string, string> Annotations { get; init; } = [];
}

internal sealed class RuleGroup
{
    public string Name { get; init; } = "";

    public string? Interval { get; init; }

    public List<Rule> Rules { get; init; } = [];
}

/// <summary>A file of rules.</summary>
internal sealed class RuleFile
{
    public List<RuleGroup> Groups { get; init; } = [];
}
