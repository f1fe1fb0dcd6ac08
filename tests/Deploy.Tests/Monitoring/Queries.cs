using System.Text.Json;
using System.Text.RegularExpressions;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace DeepTrain.Cluster.Deploy.Tests;

/// <summary>What dashboards and rules ask Prometheus.</summary>
/// <param name="Source">Where it stands, for a person.</param>
internal sealed record Query(string Source, string Expression)
{
    /// <summary>With the variables of dashboards replaced as Grafana would.</summary>
    public Query For(string sweep, string rateInterval) => this with
    {
        Expression = Expression.Replace("$__rate_interval", rateInterval, StringComparison.Ordinal)
            .Replace("$sweep", sweep, StringComparison.Ordinal)
            .Replace("$factor", ".*", StringComparison.Ordinal).Replace("$namespace", ".*", StringComparison.Ordinal),
    };
}

/// <summary>Reads them from the repository's folder <c>deploy</c>.</summary>
internal static partial class Queries
{
    private static readonly string[] Words = ["and", "or", "unless", "bool", "offset", "inf", "nan"];

    public static IEnumerable<Rule> Rules(string deploy)
    {
        var reader = new DeserializerBuilder().WithNamingConvention(CamelCaseNamingConvention.Instance).Build();
        return from file in (string[])["recording.yaml", "alerts.yaml"]
               from rule in reader.Deserialize<RuleFile>(File.ReadAllText(Path.Combine(deploy, "prometheus", file))).Groups.SelectMany(rules => rules.Rules)
               select rule;
    }

    /// <summary>By the name of its file.</summary>
    public static IEnumerable<(string Name, JsonElement Root)> Dashboards(string deploy) =>
        from path in Directory.EnumerateFiles(Path.Combine(deploy, "grafana", "dashboards"), "*.json").Order(StringComparer.Ordinal)
        select (Path.GetFileName(path), JsonDocument.Parse(File.ReadAllText(path)).RootElement);

    /// <summary>Every panel's, what variables have their values from, and what rules record.</summary>
    public static IEnumerable<Query> Whole(string deploy) =>
        (from board in Dashboards(deploy)
         from panel in board.Root.GetProperty("panels").EnumerateArray()
         where panel.TryGetProperty("targets", out _)
         from target in panel.GetProperty("targets").EnumerateArray()
         from query in OfTarget($"{board.Name}, {panel.GetProperty("title").GetString()}", target)
         select query)
        .Concat(from board in Dashboards(deploy)
                from variable in board.Root.GetProperty("templating").GetProperty("list").EnumerateArray()
                where variable.GetProperty("type").GetString() == "query"
                select new Query($"{board.Name}, ${variable.GetProperty("name").GetString()}",
                    LabelValues().Match(variable.GetProperty("query").GetProperty("query").GetString()!).Groups[1].Value))
        .Concat(from rule in Rules(deploy) where rule.Record is not null select new Query(rule.Record!, rule.Expr));

    /// <summary>What a panel shows, and of each label in its legend the series that have it: without it all would be called the same.</summary>
    private static IEnumerable<Query> OfTarget(string source, JsonElement target)
    {
        var expression = target.GetProperty("expr").GetString()!;
        return LegendLabels().Matches(target.GetProperty("legendFormat").GetString()!).Select(match => match.Groups[1].Value)
            .Select(label => new Query($"{source}, label {label}", $"count by ({label}) ({expression}) unless on ({label}) vector(1)"))
            .Prepend(new(source, expression));
    }

    /// <summary>What alerts look at: the alerts themselves have no answer while all is well.</summary>
    public static IEnumerable<Query> OfAlerts(string deploy) =>
        from rule in Rules(deploy)
        where rule.Alert is not null
        from selector in Selectors(rule.Expr)
        select new Query(rule.Alert!, selector);

    /// <summary>The series that an expression begins with: a metric's name, its labels, or both.</summary>
    public static IEnumerable<string> Selectors(string expression)
    {
        var bare = RangesAndOffsets().Replace(Groupings().Replace(expression, " "), " ");
        return Selector().Matches(bare).Select(match => match.Value)
            .Where(selector => selector[0] != '"' && !Words.Contains(selector, StringComparer.OrdinalIgnoreCase)).Distinct();
    }

    /// <summary>The metric of a selector; empty where it names none.</summary>
    public static string NameOf(string selector) => selector.Split('{')[0];

    [GeneratedRegex(@"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")]
    private static partial Regex Groupings();

    [GeneratedRegex(@"\{\{(\w+)\}\}")]
    private static partial Regex LegendLabels();

    [GeneratedRegex(@"^label_values\((.+), \w+\)$")]
    private static partial Regex LabelValues();

    [GeneratedRegex(@"\[[^\]]*\]|\boffset\s+\w+")]
    private static partial Regex RangesAndOffsets();

    // No number's exponent, and no function; texts are matched, so that nothing in them is.
    [GeneratedRegex(@"""[^""]*""|(?<![\w.:])[a-zA-Z_:][\w:]*(\{[^}]*\})?(?![\w:]*\s*\()|(?<![\w:])\{[^}]*\}")]
    private static partial Regex Selector();
}
