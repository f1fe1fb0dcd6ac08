using System.Collections.Immutable;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Rendering;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Client.Tests;

public sealed class FactorColumnsTests
{
    private static readonly string LongLevel = new('z', 500);

    [Fact]
    public void WriteCells_LongLevel_IsShortenedWithTheCellsIdBeside()
    {
        var sweep = Read($$"""
            name: longtext
            trainer: { command: [python3, train.py], parameters: { prompt: hi } }
            space: { prompt: [hi, {{LongLevel}}] }
            """);

        var (output, errors) = Write(OutputFormat.Table, sweep);

        Assert.Equal($"""
              cell               prompt                                       mean   spread   n   diverged   failed   testAccuracy
            ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
              {sweep.Cells[1].Id}   zzzzzzzzzzzzzzzzzzzz…zzzzzzzzzzzzzzzzzzz   0.9877        -   1          0        0              -
              {sweep.Cells[0].Id}   hi                                         0.1235        -   1          0        0              -
            """, Trimmed(output), ignoreLineEndingDifferences: true);
        Assert.Equal($"Some levels are shortened or left out of this table. For all of them, add: --format csv{Environment.NewLine}", errors);
    }

    [Fact]
    public void WriteCells_ManyFactorsThatDoNotVary_ShowsTheOneThatDoes()
    {
        var sweep = Read("""
            name: many
            dataset: digits
            network: { hidden: [8] }
            space:
              initializer: [he-normal]
              activation: [leaky-relu]
              leakAlpha: [0.01, 0.123456789012345]
              batchNorm: [true]
              batchNormMomentum: [0.1]
              dropout: [0.1]
              optimizer: [adamw]
              learningRate: [0.000123456789]
              weightDecay: [0.01]
            """);

        var (output, errors) = Write(OutputFormat.Table, sweep);

        Assert.Equal("""
              leakAlpha             mean   spread   n   diverged   failed   testAccuracy
            ──────────────────────────────────────────────────────────────────────────────
              0.123456789012345   0.9877        -   1          0        0              -
              0.01                0.1235        -   1          0        0              -
            """, Trimmed(output), ignoreLineEndingDifferences: true);
        Assert.Equal("", errors);
    }

    [Fact]
    public void WriteCells_MoreFactorsThanThereIsRoomFor_ShowsEveryNumberAndSaysWhereTheRestIs()
    {
        var names = Enumerable.Range(1, 30).Select(number => $"factor{number}").ToList();
        var level = new string('x', 30);
        var sweep = Read($$"""
            name: wide
            trainer: { command: [python3, train.py], parameters: { {{string.Join(", ", names.Select(name => $"{name}: {level}"))}} } }
            space: { {{string.Join(", ", names.Select(name => $"{name}: [{level}, {level}y]"))}} }
            search: { method: random, trials: 2 }
            """);

        var (output, errors) = Write(OutputFormat.Table, sweep);

        var lines = Trimmed(output).Split('\n');
        Assert.Equal(4, lines.Length);
        Assert.StartsWith("  cell ", lines[0], StringComparison.Ordinal);
        Assert.EndsWith(" testAccuracy", lines[0].TrimEnd(), StringComparison.Ordinal);
        Assert.All(sweep.Cells, cell => Assert.Contains(cell.Id, output, StringComparison.Ordinal));
        Assert.Contains("0.9877", lines[2], StringComparison.Ordinal);
        Assert.Contains("0.1235", lines[3], StringComparison.Ordinal);
        Assert.InRange(lines.Max(line => line.Length), 300, 400);
        Assert.Contains("--format csv", errors, StringComparison.Ordinal);
        Assert.Equal(30 + 6, Write(OutputFormat.Csv, sweep).Output.Split('\n')[0].Split(',').Length);
    }

    [Fact]
    public void Of_FactorsNamedLikeOtherColumns_HasNoTwoColumnsOfOneName()
    {
        var cell = new Cell([new("mean", ParameterValue.Of(1)), new("depth", ParameterValue.Of(2))], null!);
        var sweep = Read("name: a\ndataset: digits\nnetwork: { hidden: [8] }\n") with
        {
            Factors = [Factor("mean"), Factor("depth")], Cells = [cell],
        };

        var factors = FactorColumns.Of(sweep, OutputFormat.Csv, ["mean", "n"]);

        Assert.Equal(["space.mean", "depth"], factors.Columns.Select(column => column.Name));
        Assert.Equal(["1", "2"], factors.Values(cell));
    }

    private static Factor Factor(string name) =>
        new(new IntegerParameter(name, Section.Sweep, null, ""), new Domain.Integers(1, 2), null);

    private static Sweep Read(string text)
    {
        var reading = SweepFile.Parse(text, "sweep");
        return reading.Sweep ?? throw new ArgumentException(string.Join('\n', reading.Problems));
    }

    private static (string Output, string Errors) Write(OutputFormat format, Sweep sweep)
    {
        double[] means = [0.123456, 0.98765];
        ImmutableArray<CellSummary> cells =
            [.. sweep.Cells.Zip(means, (cell, mean) => new CellSummary(cell, 1, mean, null, 0, 0, null, null)).Reverse()];
        var (output, errors) = (Console.Out, Console.Error);
        using var saidOutput = new StringWriter();
        using var saidErrors = new StringWriter();
        Console.SetOut(saidOutput);
        Console.SetError(saidErrors);
        try
        {
            RunResult.WriteCells(format, sweep, new(cells, null), json: "");
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(errors);
        }
        return (saidOutput.ToString(), saidErrors.ToString());
    }

    private static string Trimmed(string table) =>
        string.Join('\n', table.Split('\n').Select(line => line.TrimEnd()).Where(line => line.Length > 0));
}
