using System.Diagnostics;
using System.Text.RegularExpressions;
using DeepTrain.Cluster.Servers;
using DeepTrain.Cluster.Sweeps.Tests;
using YamlDotNet.RepresentationModel;

namespace DeepTrain.Cluster.Deploy.Tests;

public sealed class RulesTests
{
    private static readonly string Deploy = Repository.PathOf("deploy");
    private static readonly string Folder = Path.Combine(Deploy, "prometheus");

    [Fact]
    public async Task Rules_AsPromtoolReadsThem_AreValid() => await PromtoolAsync("check", "rules", "recording.yaml", "alerts.yaml");

    [Fact]
    public async Task Configuration_OfTheComposeFile_IsValid() => await PromtoolAsync("check", "config", "prometheus.yml");

    [Fact]
    public async Task Alerts_InTheirCases_FireAndAreSilent() => await PromtoolAsync(["test", "rules", .. Cases()]);

    [Fact]
    public void Alerts_Each_HaveACaseInWhichTheyFireAndOneInWhichTheyAreSilent()
    {
        var cases = Cases().SelectMany(Tests)
            .Where(node => node.Children.ContainsKey("alertname"))
            .ToLookup(node => $"{node["alertname"]}", node => ((YamlSequenceNode)node["exp_alerts"]).Children.Count > 0);

        Assert.All(Alerts(), alert => Assert.Equal([false, true], cases[alert.Alert!].Distinct().Order()));
    }

    [Fact]
    public void Alerts_Each_SayWhatIsWrongAndWhatToDo()
    {
        var entries = Regex.Matches(File.ReadAllText(Repository.PathOf("docs/operations.md")), "^### (.+)$", RegexOptions.Multiline)
            .Select(match => match.Groups[1].Value).ToHashSet();
        Assert.All(Alerts(), alert =>
        {
            Assert.Contains(alert.Labels["severity"], (string[])["warning", "critical"]);
            Assert.True(alert.Annotations["summary"].Length > 0 && alert.Annotations["description"].Length > 0);
            Assert.Contains(alert.Alert!, entries);
            Assert.EndsWith($"docs/operations.md#{alert.Alert!.ToLowerInvariant()}", alert.Annotations["runbook_url"], StringComparison.Ordinal);
        });
    }

    private static IEnumerable<string> Cases() => Directory.EnumerateFiles(Path.Combine(Folder, "tests"), "*.yaml").Order(StringComparer.Ordinal);

    private static IEnumerable<YamlMappingNode> Tests(string file)
    {
        var yaml = new YamlStream();
        yaml.Load(new StringReader(File.ReadAllText(file)));
        return yaml.Documents[0].RootNode["tests"].AllNodes.OfType<YamlMappingNode>();
    }

    private static IEnumerable<Rule> Alerts() => Queries.Rules(Deploy).Where(rule => rule.Alert is not null);

    private static async Task PromtoolAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(InstalledPrograms.Require("promtool", package: "prometheus"), arguments)
        {
            WorkingDirectory = Folder, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, string.Concat(said));
    }
}
