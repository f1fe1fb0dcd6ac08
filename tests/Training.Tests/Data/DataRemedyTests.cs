using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Training.Checking;

namespace DeepTrain.Cluster.Training.Tests;

/// <summary>Whoever does what a message about a data file advises must not be refused again.</summary>
public sealed class DataRemedyTests : IDisposable
{
    private static readonly string Rows = string.Concat(Enumerable.Range(0, 60).Select(i => $"{i},{i % 7},{(i % 2 == 0 ? 'x' : 'y')}\n"));
    private static readonly string Good = "a,b,label\n" + Rows;

    /// <summary>A file, the remedy that is told, and the file of somebody who follows it; likewise the lines of the sweep file.</summary>
    private static readonly (string Broken, string Remedy, string Mended, string Lines, string MendedLines)[] Remedies =
    [
        Of(Rows, "add a first line with the names of the columns", Good),
        Of("a,7,label\n" + Rows, "let the name begin with a letter", "a,x7,label\n" + Rows),
        Of(",b,label\n" + Rows, "name it", Good),
        Of(",b,label\n" + Rows, "or leave it out if it numbers the rows", "b,label\n" + string.Concat(Rows.Split('\n').Select(row => row.Length == 0 ? "" : row[(row.IndexOf(',') + 1)..] + "\n"))),
        Of(Good.Replace(',', ';'), "expected commas between fields", Good),
        Of(Good + "\n1,2,x\n", "an empty line; expected 3 fields, as in the header: remove the line", Good + "1,2,x\n"),
        Of(Good + "1,,x\n", "fill it in", Good + "1,2,x\n"),
        Of(Good + "1,,x\n", "or leave the row out", Good),
        Of(Good + "1,NaN,x\n", "fill it in, or leave the row out", Good),
        Of(Good + "1,red,x\n", "encode it as numbers", Good + "1,3,x\n"),
        Of("a,label,b\n" + string.Concat(Enumerable.Range(0, 60).Select(i => $"{i},{(i % 2 == 0 ? 'x' : 'y')},{i % 7}\n")),
            "or name it as labelColumn", "a,label,b\n" + string.Concat(Enumerable.Range(0, 60).Select(i => $"{i},{(i % 2 == 0 ? 'x' : 'y')},{i % 7}\n")), "", "labelColumn: label"),
        Of(Good + "1,1e39,x\n", "correct it, or leave the row out", Good),
        Of(Good + "1,\"2\"3,x\n", "expected a comma or the end of the line", Good + "1,\"2\",x\n"),
        Of(Good.Replace("x\n", "a\"x\"\n", StringComparison.Ordinal), "put the whole field in quotes, and each quote in it twice", Good.Replace("x\n", "\"a\"\"x\"\"\"\n", StringComparison.Ordinal)),
        Of(Good.Replace('\n', '\r'), "save the file with line feeds", Good),
        Of(Good + "1,2,X\n", "if they are one class, write both in the same way", Good + "1,2,x\n"),
        Of(string.Concat(Good.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select((row, i) => i == 0 ? row + "\n" : $"{row[..^1]}{i}.5\n")),
            "or replace the numbers by classes such as low and high",
            string.Concat(Good.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select((row, i) => i == 0 ? row + "\n" : $"{row[..^1]}{(i < 30 ? "low" : "high")}\n"))),
        Of("label,b,label\n" + Rows, "rename one", "a,b,label\n" + Rows, "labelColumn: label", "labelColumn: label"),
        Of(Good, "make batchSize, validationFraction or testFraction smaller", Good, "training: { batchSize: 60 }", "training: { batchSize: 16 }"),
        Of(Good, "make validationFraction larger", Good, "validationFraction: 0.001\ntraining: { batchSize: 16 }", "validationFraction: 0.2\ntraining: { batchSize: 16 }"),
        Of(Good, "make testFraction larger", Good, "testFraction: 0.001\ntraining: { batchSize: 16 }", "testFraction: 0.2\ntraining: { batchSize: 16 }"),
        Of(Good, "make epochs larger or batchSize smaller", Good, "training: { schedule: one-cycle, epochs: 1 }", "training: { schedule: one-cycle, epochs: 10 }"),
        Of(Good, "make epochs larger or batchSize smaller", Good, "training: { schedule: one-cycle, epochs: 1 }", "training: { schedule: one-cycle, epochs: 1, batchSize: 4 }"),
    ];

    private readonly DataFiles _files = new();

    public static TheoryData<int> Numbers => [.. Enumerable.Range(0, Remedies.Length)];

    public void Dispose() => _files.Dispose();

    [Theory]
    [MemberData(nameof(Numbers))]
    public void Check_AfterTheRemedyThatIsTold_HasNoProblem(int number)
    {
        var (broken, remedy, mended, lines, mendedLines) = Remedies[number];
        Assert.Contains(Check(broken, lines).Problems, problem => problem.Message.Contains(remedy, StringComparison.Ordinal));
        Assert.Equal("", string.Join('\n', Check(mended, mendedLines).Problems));
    }

    private static (string, string, string, string, string) Of(string broken, string remedy, string mended, string lines = "", string mendedLines = "") =>
        (broken, remedy, mended, lines, mendedLines);

    private CheckedSweep Check(string data, string lines)
    {
        _files.Write("data.csv", data);
        return SweepData.Check(
            SweepFile.Read(_files.Write("sweep.yaml", $"name: a\ndataset: csv\ndataFile: data.csv\nnetwork: {{ hidden: [8] }}\nreplicates: 4\n{lines}\n")),
            _files.Sources, _ => { }, CancellationToken.None);
    }
}
