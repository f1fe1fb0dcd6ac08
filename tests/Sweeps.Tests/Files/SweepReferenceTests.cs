using System.Text;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files;

namespace DeepTrain.Cluster.Sweeps.Tests;

public class SweepReferenceTests
{
    private const string Page = "docs/sweep-reference.md";

    [Fact]
    public void Page_ParameterTable_IsTheGeneratedOne() => Repository.AssertPartGenerated(Page, "parameters", Table());

    [Theory]
    [InlineData(Page, 5)]
    [InlineData("docs/command-trainers.md", 1)]
    public void Page_Examples_AreValid(string page, int atLeast)
    {
        var examples = File.ReadAllText(Repository.PathOf(page)).Split("```yaml\n").Skip(1).Select(part => part[..part.IndexOf("```", StringComparison.Ordinal)]).ToList();
        Assert.True(examples.Count >= atLeast);
        foreach (var example in examples)
        {
            var reading = SweepFile.Parse(example.StartsWith("name:", StringComparison.Ordinal) ? example : SweepTexts.With(example), page);
            Assert.True(reading.Problems.IsEmpty, string.Join("\n", reading.Problems) + "\n" + example);
        }
    }

    private static string Table()
    {
        var table = new StringBuilder("| key | value | default | meaning |\n|---|---|---|---|\n");
        foreach (var parameter in Parameters.Written)
        {
            var only = parameter.AppliesWhen is { } applies ? $" Only with {applies.Of.Name} {string.Join(" or ", applies.Values)}." : "";
            table.Append($"| `{parameter.Path}` | {parameter.Expected} | {parameter.Default?.ToString() ?? "-"} | {parameter.Description}{only} |\n");
        }

        return table.ToString();
    }
}
