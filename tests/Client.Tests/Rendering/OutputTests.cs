using System.Globalization;
using CsCheck;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Rendering;

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
    [InlineData(0.98096, "0.9810")]
    [InlineData(0.1, "0.1000")]
    [InlineData(0.0067081, "0.006708")]
    [InlineData(0.00004, "4.000e-5")]
    [InlineData(1.2e-6, "1.200e-6")]
    [InlineData(-3.4e-5, "-3.400e-5")]
    [InlineData(2.30258, "2.3026")]
    [InlineData(123456.789123, "123456.7891")]
    [InlineData(123456789.123, "1.235e8")]
    [InlineData(0.0, "0.0000")]
    [InlineData(5e-324, "4.941e-324")]
    [InlineData(null, "-")]
    public void Number_AnySize_HasFourSignificantDigits(double? value, string written) => Assert.Equal(written, Output.Number(value));

    [Fact]
    public void Number_AnyNumber_IsNearAndShort() => Gen.Double.Where(double.IsFinite).Sample(number =>
    {
        var written = Output.Number(number);
        var read = double.Parse(written, CultureInfo.InvariantCulture);
        Assert.True(number == 0 || Math.Abs((read / number) - 1) < 1e-3 || !double.IsNormal(number), $"{number:R}: {written}");
        Assert.InRange(written.Length, 6, 14);
    });

    [Theory]
    [InlineData(0.1 + 0.2, "0.30000000000000004")]
    [InlineData(1e-300, "1E-300")]
    [InlineData(null, "")]
    public void Exact_KeepsEveryBit(double? value, string written)
    {
        Assert.Equal(written, Output.Exact(value));
        if (value is { } number)
            Assert.Equal(number, double.Parse(written, CultureInfo.InvariantCulture));
    }
}
