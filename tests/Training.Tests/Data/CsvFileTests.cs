using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using CsCheck;
using DeepTrain.Cluster.Training.Data;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class CsvFileTests
{
    public static TheoryData<string> BrokenNames => [.. BrokenDataFiles.Csv().Where(file => !file.WasTaken).Select(file => file.Name)];

    [Theory]
    [MemberData(nameof(BrokenNames))]
    public void Read_BrokenFile_SaysWhereAndWhatWithoutQuoting(string name)
    {
        var file = BrokenDataFiles.Csv().Single(file => file.Name == name);
        var error = Assert.Throws<DataFileException>(() => CsvFile.Read(new MemoryStream(file.Content), file.LabelColumn));
        Assert.Contains(file.Expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(BrokenDataFiles.Secret, error.Message, StringComparison.Ordinal);
        Assert.Equal((file.Line, file.Column), (error.Line, error.Column));
    }

    [Fact]
    public void Read_FileThatWasTakenBefore_IsReadAndSaysWhatIsWrong()
    {
        foreach (var file in BrokenDataFiles.Csv().Where(file => file.WasTaken))
        {
            var table = CsvFile.Read(new MemoryStream(file.Content), file.LabelColumn).Table;
            Assert.InRange(table.Info.Rows, 60, 65);
            Assert.All(table.Findings, finding => Assert.Equal((file.Line, file.Column, false), (finding.Line, finding.Column, finding.IsWarning)));
        }
    }

    [Theory]
    [InlineData("1", "1.0", 3)]
    [InlineData("7", "007", 3)]
    [InlineData("0.5", "5e-1", 3)]
    [InlineData("setosa", "Setosa", 3)]
    [InlineData("setosa", "setosa ", 3)]
    [InlineData("1", "2", 0)]
    [InlineData("12345678901234567890", "12345678901234567891", 0)]
    [InlineData("a b", "ab", 0)]
    public void Read_TwoClassesThatLookLikeOne_AreWarnedOf(string one, string other, int line)
    {
        var findings = Read($"a,label\n0,{one}\n1,{other}\n2,zz\n").Table.Findings;
        Assert.Equal(line, findings.SingleOrDefault()?.Line ?? 0);
        Assert.All(findings, finding => Assert.StartsWith("this label looks like the one on line 2", finding.Message, StringComparison.Ordinal));
        Assert.All(findings, finding => Assert.True(finding.IsWarning));
    }

    [Fact]
    public void Read_ManyClassesThatLookLikeOthers_AreCountedInOneWarning()
    {
        var finding = Assert.Single(Read("a,label\n0,1\n1,2\n2,1.0\n3,2.0\n4,1.00\n").Table.Findings);
        Assert.Equal((4, 3), (finding.Line, finding.Column));
        Assert.EndsWith("(3 classes look like another one)", finding.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(442, 214, 1.0, true)] // as many disease scores of patients
    [InlineData(1_000, 11, 0.5, true)]
    [InlineData(30, 3, 0.5, true)]
    [InlineData(30, 2, 0.5, false)]
    [InlineData(1_797, 10, 1.0, false)]
    [InlineData(50_000, 100, 1.0, false)]
    [InlineData(30, 10, 1.0, false)]
    public void Read_LabelsThatLookLikeMeasurements_AreWarnedOf(int rows, int classes, double step, bool isWarned)
    {
        var findings = Read("a,label\n" + string.Concat(Enumerable.Range(0, rows).Select(i => FormattableString.Invariant($"{i},{i % classes * step:0.0}\n")))).Table.Findings;
        Assert.Equal(isWarned, findings.Any(finding => finding.IsWarning && finding.Message.Contains("look like measurements", StringComparison.Ordinal)));
        Assert.Equal(isWarned ? 1 : 0, findings.Length);
    }

    [Fact]
    public void Read_ManyClassesWithNames_AreNoMeasurements() =>
        Assert.Empty(Read("a,label\n" + string.Concat(Enumerable.Range(0, 100).Select(i => $"{i},person {i % 50}\n"))).Table.Findings);

    [Fact]
    public void PlaceOf_AnyValue_IsWhereItStands()
    {
        const string Text = "a,label,b\r\n1,\"x\r\ny\",22\r\n333,y,4\r\n";
        Assert.Equal((2, 1), Place(0, 0));
        Assert.Equal((3, 4), Place(0, 1));
        Assert.Equal((4, 1), Place(1, 0));
        Assert.Equal((4, 7), Place(1, 1));
        Assert.Equal((0, 0), Place(2, 0));

        static (int, int) Place(int row, int feature) =>
            CsvFile.PlaceOf(new MemoryStream(Encoding.UTF8.GetBytes(Text)), "label", row, feature);
    }

    [Fact]
    public void Read_QuotesWindowsLinesAndMark_AreRead()
    {
        var (table, content) = Read("\uFEFF\"a \"\"1\"\"\",label,b\r\n 1.5 ,\"x, y\r\nz\",-2e-3\r\n3,\"\"\"\",\"4\"\r\n\r\n\r\n", "label");
        Assert.Equal([1.5, -0.002, 3, 4], table.Unscaled!);
        Assert.Equal([1, 0], table.Labels);
        Assert.Equal((2, 2, 2), (table.Info.Rows, table.Info.Features, table.Info.Classes));
        Assert.Null(table.Info.Image);
        Assert.Equal(64, content.Length);
    }

    [Fact]
    public void Read_NoLastLineBreak_IsRead() => Assert.Equal([0, 1], Read("a,label\n1,x\n2,y").Table.Labels);

    [Fact]
    public void Read_Classes_AreInOrdinalOrder() =>
        Assert.Equal([3, 2, 1, 0, 2], Read("a,label\n0,\u00e4\n0,b\n0,B\n0,10\n0,b\n").Table.Labels);

    [Fact]
    public void Read_AnyTable_IsWhatWasWritten()
    {
        var label = Gen.OneOf(Gen.Char.AlphaNumeric.Array[1, 6].Select(letters => new string(letters)), Gen.OneOf("a,b", "\"", "a\nb", "\r\n", "\u65e5\u672c", " "));
        Gen.Select(Gen.Int[1, 5], Gen.Int[2, 40], Gen.Bool, Gen.Int[0, 4]).SelectMany((features, rows, windows, place) =>
            Gen.Select(Gen.Double[-1e38, 1e38].Array[features * rows], label.Array[rows]).Select((numbers, labels) => (features, windows, place: place % (features + 1), numbers, labels)))
            .Where(table => table.labels.Distinct().Count() > 1)
            .Sample(table =>
            {
                var end = table.windows ? "\r\n" : "\n";
                var text = new StringBuilder(Line(Enumerable.Range(0, table.features).Select(i => $"f{i}"), "the label"));
                for (var row = 0; row < table.labels.Length; row++)
                    text.Append(Line(table.numbers[(row * table.features)..((row + 1) * table.features)].Select(number => number.ToString("R", CultureInfo.InvariantCulture)), table.labels[row]));
                var bytes = Encoding.UTF8.GetBytes(text.ToString());
                var (read, content) = CsvFile.Read(new MemoryStream(bytes), "the label");
                var classes = table.labels.Distinct().Order(StringComparer.Ordinal).ToList();
                Assert.Equal(table.numbers, read.Unscaled!);
                Assert.Equal(table.labels.Select(name => classes.IndexOf(name)), read.Labels);
                Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(bytes)), content);

                string Line(IEnumerable<string> numbers, string name)
                {
                    var fields = numbers.ToList();
                    fields.Insert(table.place, name.AsSpan().IndexOfAny(",\"\r\n") >= 0 ? $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : name);
                    return string.Join(',', fields) + end;
                }
            }, iter: 300);
    }

    [Fact]
    public void Read_AnyBytes_AreATableOrAClearError() => Gen.Byte.Array[0, 300].Sample(bytes =>
    {
        try
        {
            CsvFile.Read(new MemoryStream([.. "a,b,label\n1,2,x\n"u8, .. bytes]), null);
        }
        catch (DataFileException error)
        {
            Assert.NotEmpty(error.Message);
        }
    });

    private static (DataTable Table, string Content) Read(string text, string? labelColumn = null) =>
        CsvFile.Read(new MemoryStream(Encoding.UTF8.GetBytes(text)), labelColumn);
}
