using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Sweeps.Files.Yaml;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Sweeps.Tests;

/// <summary>Small sweep files for tests.</summary>
internal static class SweepTexts
{
    /// <summary>A file with these lines beside a name, a data set and one hidden layer.</summary>
    public static string With(string lines) => $"name: test\ndataset: digits\n{(lines.Contains("network:", StringComparison.Ordinal)
        || lines.Contains("depth:", StringComparison.Ordinal) ? "" : "network: { hidden: [8] }\n")}{lines}\n";

    public static Sweep Read(string lines)
    {
        var reading = SweepFile.Parse(With(lines), "test.yaml");
        return reading.Sweep ?? throw new InvalidOperationException(string.Join("\n", reading.Problems));
    }

    public static ImmutableArray<SpecProblem> Problems(string lines) => SweepFile.Parse(With(lines), "test.yaml").Problems;

    public static IEnumerable<string> CellIds(Sweep sweep) => sweep.Cells.Select(cell => cell.Id);
}
