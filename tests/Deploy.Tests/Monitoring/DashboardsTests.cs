using System.Text.Json;
using System.Text.RegularExpressions;
using DeepTrain.Cluster.Sweeps.Tests;

namespace DeepTrain.Cluster.Deploy.Tests;

public sealed class DashboardsTests
{
    private static readonly string Deploy = Repository.PathOf("deploy");

    [Fact]
    public void Names_OfDashboardsAndRules_AreDocumentedOrRecorded()
    {
        var documented = Regex.Matches(File.ReadAllText(Repository.PathOf("docs/metrics.md")), @"^\| `(\w+)` \| (\w+)", RegexOptions.Multiline)
            .SelectMany(match => match.Groups[2].Value == "histogram"
                ? ["_bucket", "_sum", "_count"]
                : (string[])[""], (match, suffix) => match.Groups[1].Value + suffix)
            .Concat(Queries.Rules(Deploy).Select(rule => rule.Record).OfType<string>()).Append("up").ToHashSet();

        // Orleans' and the runtime's own are held against a real scrape.
        Assert.Equal([], Queries.Whole(Deploy).Concat(Queries.Rules(Deploy).Select(rule => new Query(rule.Alert ?? "", rule.Expr)))
            .SelectMany(query => Queries.Selectors(query.Expression), (query, selector) => (query.Source, Name: Queries.NameOf(selector)))
            .Where(used => used.Name.Length > 0 && !documented.Contains(used.Name) && !Regex.IsMatch(used.Name, "^(orleans|dotnet)_")));
    }

    [Fact]
    public void Dashboards_InAnyGrafana_FindTheirDataSource()
    {
        var boards = Queries.Dashboards(Deploy).ToList();
        Assert.Equal(boards.Count, boards.Select(board => board.Root.GetProperty("uid").GetString()).Distinct().Count());
        Assert.All(boards, board =>
        {
            Assert.Equal(JsonValueKind.Null, board.Root.GetProperty("id").ValueKind);
            Assert.Contains(board.Root.GetProperty("templating").GetProperty("list").EnumerateArray(),
                variable => variable.GetProperty("type").GetString() == "datasource" && variable.GetProperty("name").GetString() == "datasource");
            Assert.All(DataSources(board.Root), uid => Assert.Equal("${datasource}", uid));
            Assert.DoesNotContain("__inputs", board.Root.GetRawText(), StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Panels_OfEachDashboard_AreOfTodaySayWhatTheyShowAndDoNotOverlap()
    {
        foreach (var (name, root) in Queries.Dashboards(Deploy))
        {
            var panels = root.GetProperty("panels").EnumerateArray().ToList();
            Assert.Equal(panels.Count, panels.Select(panel => panel.GetProperty("id").GetInt32()).Distinct().Count());
            var taken = new Dictionary<(int X, int Y), string>();
            foreach (var panel in panels)
            {
                var title = $"{name}, {panel.GetProperty("title").GetString()}";
                var type = panel.GetProperty("type").GetString();
                Assert.Contains(type, (string[])["row", "stat", "timeseries", "bargauge", "table"]);
                Assert.True(type == "row" || panel.GetProperty("description").GetString()!.Length > 0, title);
                var place = panel.GetProperty("gridPos");
                foreach (var x in Enumerable.Range(place.GetProperty("x").GetInt32(), place.GetProperty("w").GetInt32()))
                foreach (var y in Enumerable.Range(place.GetProperty("y").GetInt32(), place.GetProperty("h").GetInt32()))
                {
                    Assert.InRange(x, 0, 23);
                    Assert.True(taken.TryAdd((x, y), title), $"{title} overlaps {taken[(x, y)]}");
                }
            }
        }
    }

    [Fact]
    public void Variables_OfEachDashboard_AreThoseThatItsQueriesName()
    {
        foreach (var (name, root) in Queries.Dashboards(Deploy))
        {
            var named = Queries.Whole(Deploy).Where(query => query.Source.StartsWith(name, StringComparison.Ordinal))
                .SelectMany(query => Regex.Matches(query.Expression, @"\$(\w+)")).Select(match => match.Groups[1].Value)
                .Where(variable => variable != "__rate_interval").Append("datasource").Distinct().Order();
            Assert.Equal(root.GetProperty("templating").GetProperty("list").EnumerateArray().Select(variable => variable.GetProperty("name").GetString()).Order(), named);
        }
        Assert.All(Queries.Whole(Deploy), query => Assert.DoesNotContain('$', query.For("digits-1", "5s").Expression));
    }

    /// <summary>Several clusters, and much else, may be in one Prometheus.</summary>
    [Fact]
    public void Queries_OfDashboards_AreOfTheChosenClustersOnly() =>
        Assert.All(from query in Queries.Whole(Deploy)
                   where query.Source.Contains(".json", StringComparison.Ordinal) && !query.Source.EndsWith("$namespace", StringComparison.Ordinal)
                   from selector in Queries.Selectors(query.Expression)
                   select selector,
            selector =>
            {
                Assert.Contains("namespace=~\"$namespace\"", selector, StringComparison.Ordinal);
                Assert.True(selector.Contains("deeptrain_", StringComparison.Ordinal) || selector.Contains("job=\"deeptrain\"", StringComparison.Ordinal), selector);
            });

    [Fact]
    public void Rates_OfDashboards_FitTheIntervalOfTheDataSource() =>
        Assert.All(Queries.Whole(Deploy).Where(query => query.Source.Contains(".json", StringComparison.Ordinal)),
            query => Assert.DoesNotMatch(@"\brate\([^)]*\[(?!\$__rate_interval\])", query.Expression));

    [Fact]
    public void Provisioning_InTheContainers_FindsWhatTheComposeFileMounts()
    {
        var compose = File.ReadAllText(Path.Combine(Deploy, "docker", "compose.yaml"));
        var path = Regex.Match(File.ReadAllText(Path.Combine(Deploy, "grafana", "provisioning", "dashboards", "deeptrain.yaml")), @"path: (\S+)").Groups[1].Value;
        Assert.Contains($"../grafana/dashboards:{path.TrimEnd('}', ' ')}:ro", compose, StringComparison.Ordinal);
        Assert.All(Regex.Matches(compose, @"- (\.\./[^:]+):"), mount =>
            Assert.True(Path.Exists(Path.Combine(Deploy, "docker", mount.Groups[1].Value)), mount.Value));
    }

    private static IEnumerable<string?> DataSources(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(property =>
            property.Name == "datasource" && property.Value.ValueKind is JsonValueKind.Object
                ? [property.Value.GetProperty("uid").GetString()]
                : DataSources(property.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(DataSources),
        _ => [],
    };
}
