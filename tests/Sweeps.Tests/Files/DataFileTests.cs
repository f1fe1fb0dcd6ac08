using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Sweeps.Tests;

public class DataFileTests
{
    private static readonly string Content = string.Concat(Enumerable.Repeat("0123456789abcdef", 4));

    [Theory]
    [InlineData("dataset: csv", "dataFile", 2, 10, "dataset csv needs dataFile beside it; add dataFile: my.csv")]
    [InlineData("dataset: npz", "dataFile", 2, 10, "dataset npz needs dataFile beside it")]
    [InlineData("dataset: csv\ndataFile: 7", "dataFile", 3, 11, "expected text of 1 to 4096 characters, found '7'; put it in quotes")]
    [InlineData("dataset: csv\ndataFile: ''", "dataFile", 3, 11, "expected text")]
    [InlineData("dataset: csv\ndataFile: [a]", "dataFile", 3, 11, "found a list")]
    [InlineData("dataset: csv\ndataFile: a.csv\nlabelColumn: true", "labelColumn", 4, 14, "put it in quotes")]
    [InlineData("dataset: csv\ndataFile: a.csv\ndataContent: abc", "dataContent", 4, 1, "unknown key; expected one of")]
    [InlineData("dataset: csv\ndataFile: a.csv\nspace: { labelColumn: [a, b] }", "space.labelColumn", 4, 10, "it belongs at the top level")]
    [InlineData("dataset: csv\ndataFile: a.csv\nspace: { momentum: { values: [0.1], when: { dataContent: a } } }", "space.momentum.when.dataContent", 4, 45, "unknown key")]
    public void Parse_Mistake_StandsAtItsPlace(string lines, string key, int line, int column, string expected)
    {
        var problem = Assert.Single(Read(lines).Problems);
        Assert.Equal((key, line, column, false), (problem.Key, problem.Line, problem.Column, problem.IsWarning));
        Assert.Contains(expected, problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("dataset: digits\ndataFile: a.csv", "dataFile")]
    [InlineData("dataset: digits\nlabelColumn: kind", "labelColumn")]
    [InlineData("dataset: npz\ndataFile: a.npz\nlabelColumn: kind", "labelColumn")]
    [InlineData("dataset: mnist\ntestFraction: 0.2", "testFraction")]
    public void Parse_KeyOfAnotherDataSet_IsAWarning(string lines, string key)
    {
        var reading = Read(lines);
        Assert.NotNull(reading.Sweep);
        Assert.Equal((key, true), (Assert.Single(reading.Problems).Key, reading.Problems[0].IsWarning));
    }

    [Fact]
    public void Parse_OfficialTest_LeavesTheRestToValidation() =>
        Assert.Empty(Read("dataset: mnist\nvalidationFraction: 0.9").Problems);

    [Fact]
    public void WithContent_IsPartOfEveryCellAndOfTheFusionKey()
    {
        var sweep = Sweep("dataset: csv\ndataFile: a.csv\nlabelColumn: '7'\nspace: { activation: [relu, elu] }");
        var submitted = SweepFile.WithContent(sweep, Content);
        Assert.Equal(2, submitted.Cells.Length);
        Assert.All(submitted.Cells, cell => Assert.Equal((Content, "7"), (cell.Configuration[Parameters.DataContent], cell.Configuration[Parameters.LabelColumn])));
        Assert.All(submitted.Cells, cell => Assert.Equal(cell.Configuration, Configuration.Parse(cell.Configuration.Json)));
        Assert.DoesNotContain("a.csv", submitted.Cells[0].Configuration.Json, StringComparison.Ordinal);
        Assert.Empty(submitted.Cells.Select(cell => cell.Id).Intersect(sweep.Cells.Select(cell => cell.Id)));

        var other = SweepFile.WithContent(submitted, new('f', 64));
        Assert.NotEqual(submitted.Cells[0].Configuration.FusionKey, other.Cells[0].Configuration.FusionKey);
        Assert.Single(SweepChange.Between(submitted, other).Differences);
        Assert.Equal(submitted.Text, SweepFile.WithContent(other, Content).Text);
    }

    [Fact]
    public void WithContent_TextOfAnyForm_IsReadAgain()
    {
        foreach (var text in new[]
        {
            "name: a\ndataset: csv\ndataFile: a.csv\nnetwork: { hidden: [8] }",
            "name: a\r\ndataset: csv\r\ndataFile: a.csv\r\nnetwork: { hidden: [8] }\r\n",
            "{ name: a, dataset: csv, dataFile: a.csv, network: { hidden: [8] } }",
            "---\nname: a\ndataset: csv\nnetwork: { hidden: [8] }\ndataFile: |-\n  a.csv\n",
            "name: a\ndataset: csv\nnetwork: { hidden: [8] }\ndataFile: a.csv\n...\n",
        })
        {
            var sweep = SweepFile.Parse(text, "a.yaml").Sweep!;
            var submitted = SweepFile.WithContent(sweep, Content);
            var read = SweepFile.Parse(submitted.Text, "stored");
            Assert.Empty(read.Problems);
            Assert.Equal("a.csv", read.Sweep!.DataFile);
            Assert.Equal(Content, read.Sweep.Cells[0].Configuration[Parameters.DataContent]);
            Assert.Equal(submitted.Text, read.Sweep.Text);
        }
    }

    [Fact]
    public void WithContent_OtherDataSets_AreNotTouched()
    {
        var sweep = SweepTexts.Read("");
        Assert.Equal(sweep.Cells[0].Configuration, SweepFile.WithContent(sweep, Content).Cells[0].Configuration);
    }

    [Fact]
    public void Read_FileThatNamesAContent_FindsItAnew()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, SweepFile.WithContent(Sweep("dataset: csv\ndataFile: a.csv"), Content).Text);
            Assert.Null(SweepFile.Read(path).Sweep!.Cells[0].Configuration[Parameters.DataContent]);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void ProblemWith_Key_StandsWhereTheFileGivesIt()
    {
        var reading = Read("dataset: digits\ntraining: { batchSize: 32 }\nspace: { trainFraction: [0.1, 1] }");
        Assert.Equal("a.yaml:3:24: training.batchSize: x", reading.ProblemWith("batchSize", "x").ToString());
        Assert.Equal("a.yaml:4:25: training.trainFraction: warning: x", reading.ProblemWith("trainFraction", "x", isWarning: true).ToString());
        Assert.Equal("a.yaml:2:10: testFraction: x", reading.ProblemWith("testFraction", "x").ToString());
    }

    private static SweepReading Read(string lines) => SweepFile.Parse($"name: a\n{lines}\nnetwork: {{ hidden: [8] }}\n", "a.yaml");

    private static Sweep Sweep(string lines) => Read(lines).Sweep!;
}
