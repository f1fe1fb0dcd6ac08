using System.Globalization;
using System.Text;
using CsCheck;
using DeepTrain.Cluster.Silo.Trainers;

namespace DeepTrain.Cluster.Silo.Tests;

public class EpochLineTests
{
    private static EpochLine Parse(string line) => EpochLine.Parse(Encoding.UTF8.GetBytes(line));

    [Fact]
    public void Parse_AnyFiniteMetrics_AreTheLines() => Gen.Select(Gen.Int, Gen.Double[-1e300, 1e300], Gen.Double[0, 1]).Sample((epoch, loss, accuracy) =>
    {
        var line = Parse(string.Create(CultureInfo.InvariantCulture,
            $$"""{ "trainLoss": {{loss:R}}, "mine": {"NaN": [ NaN ]}, "epoch": {{epoch}}, "validationAccuracy":{{accuracy:R}} }"""));
        Assert.Equal(new(epoch, loss, null, accuracy, null, null), line);
        Assert.False(line.IsDiverged);
    });

    [Theory]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("-Infinity")]
    [InlineData("null")]
    [InlineData("1e999")]
    public void Parse_NotFinite_IsDiverged(string number)
    {
        Assert.True(Parse($$"""{"epoch": 3, "trainLoss": {{number}}}""").IsDiverged);
        Assert.True(Parse($$"""{"epoch":3,"trainLoss":0.5,"testLoss":{{number}}}""").IsDiverged);
    }

    [Theory]
    [InlineData("Loading data", "print all else to the standard error")]
    [InlineData("", "print all else to the standard error")]
    [InlineData("{\"epoch\": 1", "expected one JSON object a line")]
    [InlineData("\ufeff{\"epoch\": 1, \"trainLoss\": 1}", "it printed '\\ufeff{\"epoch\": 1")]
    [InlineData("\0\t.", "it printed '\\u0000\\u0009.'")]
    [InlineData("{\"epoch\": 1, \"trainLoss\": 1}{\"epoch\": 2, \"trainLoss\": 1}", "expected one JSON object a line")]
    [InlineData("[1]", "expected a JSON object")]
    [InlineData("{\"trainLoss\": 1}", "no whole number 'epoch'")]
    [InlineData("{\"epoch\": 1.5, \"trainLoss\": 1}", "no whole number 'epoch'")]
    [InlineData("{\"epoch\": \"1\", \"trainLoss\": 1}", "no whole number 'epoch'")]
    [InlineData("{\"epoch\": 1, \"loss\": 1}", "none of the metrics trainLoss, validationLoss and validationAccuracy")]
    [InlineData("{\"epoch\": 1, \"trainLoss\": \"low\"}", "its trainLoss is no number")]
    public void Parse_NoEpochsLine_SaysWhatIsExpected(string line, string expected) =>
        Assert.Contains(expected, Assert.Throws<FormatException>(() => Parse(line)).Message, StringComparison.Ordinal);

    [Fact]
    public void Parse_AnyBytes_ThrowsNothingElse() => Gen.Byte.Array[0, 200].Sample(bytes =>
    {
        try
        {
            EpochLine.Parse(bytes);
        }
        catch (FormatException)
        {
        }
    });

    [Fact]
    public void LogTail_AnyChunks_KeepsTheEnd() => Gen.Byte[32, 126].Array[0, 40].Array[0, 20].Sample(chunks =>
    {
        var log = new LogTail(32);
        foreach (var chunk in chunks)
            log.Append(chunk);
        var all = Encoding.ASCII.GetString([.. chunks.SelectMany(chunk => chunk)]);
        Assert.Equal(all[^Math.Min(32, all.Length)..], $"{log}");
    });

    [Fact]
    public void LogTail_CutsThroughACharacter_LeavesItOut()
    {
        var log = new LogTail(8);
        log.Append("\u20ac\u20ac\u20ac"u8);
        Assert.Equal("\u20ac\u20ac", $"{log}");
    }
}
