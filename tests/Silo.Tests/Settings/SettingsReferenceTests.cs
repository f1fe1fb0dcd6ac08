using System.Text;
using DeepTrain.Cluster.Silo.Settings;
using DeepTrain.Cluster.Sweeps.Tests;

namespace DeepTrain.Cluster.Silo.Tests;

public class SettingsReferenceTests
{
    private const string Page = "docs/cluster.md";

    [Fact]
    public void Page_Settings_AreTheGeneratedOnes() => Repository.AssertPartGenerated(Page, "settings", Table());

    private static string Table()
    {
        var table = new StringBuilder("| setting | variable | value | default | runs | meaning |\n|---|---|---|---|---|---|\n");
        foreach (var setting in SettingsTable.All)
            table.Append($"| `{setting.Name}` | `{setting.Variable}` | {setting.Expected} | {setting.DefaultText ?? "-"} | {(SettingsTable.OfRuns.Contains(setting) ? "yes" : "no")} | {setting.Description} |\n");
        return table.ToString();
    }
}
