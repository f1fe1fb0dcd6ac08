namespace DeepTrain.Cluster.Client.Tests;

public sealed class OutputTests
{
    private static readonly (string, bool)[] Columns = [("cell", false), ("mean", true)];

    [Fact]
    public void WriteTable_AlignsNumbersToTheRight()
    {
        using var writer = new StringWriter();

        Output.WriteTable(writer, Columns, [["relu", "0.98"], ["[leaky]", "-"]]);

        Assert.Equal(
            """
              cell      mean
            ──────────────────
              relu      0.98
              [leaky]      -
            """, string.Join('\n', writer.ToString().Split('\n').Select(line => line.TrimEnd()).Where(line => line.Length > 0)),
            ignoreLineEndingDifferences: true);
    }

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("a, b", "\"a, b\"")]
    [InlineData("say \"b\"", "\"say \"\"b\"\"\"")]
    [InlineData("two\nlines", "\"two\nlines\"")]
    [InlineData("two\rlines", "\"two\rlines\"")]
    [InlineData("", "")]
    public void WriteRows_Csv_QuotesOnlyWhatNeedsIt(string value, string written)
    {
        var (before, writer) = (Console.Out, new StringWriter { NewLine = "\n" });
        Console.SetOut(writer);
        try
        {
            Output.WriteRows(OutputFormat.Csv, Columns, [[value, "1"]], json: "");
        }
        finally
        {
            Console.SetOut(before);
        }

        Assert.Equal($"cell,mean\n{written},1\n", writer.ToString());
    }

    [Theory]
    [InlineData(0.1 + 0.2, "0.30000000000000004")]
    [InlineData(1e-300, "1E-300")]
    [InlineData(null, "")]
    public void Exact_KeepsEveryBit(double? value, string written)
    {
        Assert.Equal(written, Output.Exact(value));
        if (value is { } number)
            Assert.Equal(number, double.Parse(written, System.Globalization.CultureInfo.InvariantCulture));
    }
}
