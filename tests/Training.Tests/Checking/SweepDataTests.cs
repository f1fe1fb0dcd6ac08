using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Training.Checking;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class SweepDataTests : IDisposable
{
    private readonly DataFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Check_MovedFile_GivesTheSameCells()
    {
        var content = DataFiles.Csv(rows: 90);
        _files.Write("data.csv", content);
        _files.Write("moved/other name.txt", content);
        var first = Check("dataset: csv\ndataFile: data.csv");
        var moved = Check("dataset: csv\ndataFile: moved/other name.txt");
        Assert.NotEqual(first.Sweep!.DataFile, moved.Sweep!.DataFile);
        Assert.Equal(first.Sweep.Cells.Select(cell => cell.Id), moved.Sweep.Cells.Select(cell => cell.Id));
        Assert.True(SweepChange.Between(first.Sweep, moved.Sweep).IsIdentical);
        Assert.Equal(_files["data.csv"], first.DataFile!.Value.Path);

        _files.Write("data.csv", content.Replace("class 1", "class 9", StringComparison.Ordinal));
        var changed = Check("dataset: csv\ndataFile: data.csv");
        Assert.StartsWith("dataContent: ", Assert.Single(SweepChange.Between(first.Sweep, changed.Sweep!).Differences), StringComparison.Ordinal);
    }

    [Fact]
    public void Check_StoredText_IsReadAgainWithoutTheFile()
    {
        var path = _files.Write("data.npz", Npz.Of(
            ("x.npy", Npz.Floats("40, 1", [.. Enumerable.Range(0, 40).Select(i => (float)i)])), ("y.npy", Npz.Longs("40,", [.. Enumerable.Range(0, 40).Select(i => i % 2L)]))));
        var submitted = Check("dataset: npz\ndataFile: data.npz\ntraining: { batchSize: 8 }").Sweep!;
        File.Delete(path);
        var read = SweepFile.Parse(submitted.Text, "stored").Sweep!;
        Assert.Equal(submitted.Cells.Select(cell => cell.Id), read.Cells.Select(cell => cell.Id));
        Assert.Equal(submitted.Cells[0].Configuration[Parameters.DataContent], read.Cells[0].Configuration[Parameters.DataContent]);
        Assert.Equal(64, read.Cells[0].Configuration[Parameters.DataContent]!.Length);
    }

    [Fact]
    public void Check_BrokenFile_StandsAtItsPlace()
    {
        foreach (var broken in BrokenDataFiles.All())
        {
            var data = _files.Write($"{broken.Name}.data", broken.Content);
            var label = broken.LabelColumn is { } name ? $"\nlabelColumn: {name}" : "";
            var (sweep, problems, file) = Check($"dataset: {broken.Dataset}\ndataFile: {broken.Name}.data{label}\nreplicates: 12");
            Assert.Null(sweep);
            Assert.Null(file);
            var problem = Assert.Single(problems);
            Assert.False(problem.IsWarning);
            Assert.Contains(broken.Expected, problem.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(BrokenDataFiles.Secret, problem.ToString(), StringComparison.Ordinal);
            if (problem.File == data)
                Assert.Equal((broken.Line, broken.Column), (problem.Line, problem.Column));
            else
                Assert.Equal((_files["sweep.yaml"], true), (problem.File, problem.Key is "dataFile" or "labelColumn"));
        }
    }

    [Theory]
    [InlineData("none.csv", "there is no file")]
    [InlineData("none/none.csv", "there is no file")]
    [InlineData(".", "is a directory")]
    public void Check_NoFile_SaysWhereItWasLookedFor(string file, string expected)
    {
        var problem = Assert.Single(Check($"dataset: csv\ndataFile: {file}").Problems);
        Assert.Equal((3, 11, "dataFile"), (problem.Line, problem.Column, problem.Key));
        Assert.Contains(expected, problem.Message, StringComparison.Ordinal);
        Assert.Contains(Path.GetDirectoryName(_files["sweep.yaml"])!, problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(90, "training: { batchSize: 64 }", "training.batchSize", 4, 24, "64 rows, but only 63 of 90 are left for training")]
    [InlineData(90, "space: { batchSize: [32, 64] }", "training.batchSize", 4, 21, "64 rows, but only 63 of 90")]
    [InlineData(90, "training: { batchSize: 40, trainFraction: 0.5 }", "training.batchSize", 4, 24, "or trainFraction larger")]
    [InlineData(6, "training: { batchSize: 1 }", "validationFraction", 2, 10, "no row of 6 is left for validation")]
    [InlineData(12, "training: { batchSize: 1 }", "testFraction", 2, 10, "no row of 12 is left for the test")]
    [InlineData(3, "training: { batchSize: 1 }\nvalidationFraction: 0.5\ntestFraction: 0.3", "validationFraction", 5, 21, "3 of 3 classes have no row left for training")]
    public void Check_TooFewRows_NamesTheKeyAtItsPlace(int rows, string lines, string key, int line, int column, string expected)
    {
        _files.Write("data.csv", DataFiles.Csv(rows));
        var (sweep, problems, _) = Check($"dataset: csv\ndataFile: data.csv\n{lines}");
        Assert.Null(sweep);
        var problem = Assert.Single(problems, problem => problem.Key == key);
        Assert.Contains(expected, problem.Message, StringComparison.Ordinal);
        Assert.Equal((line, column), (problem.Line, problem.Column));
    }

    [Fact]
    public void Check_RareClass_IsAWarning()
    {
        _files.Write("data.csv", DataFiles.Csv(rows: 90) + "1,2,rare\n");
        var (sweep, problems, _) = Check("dataset: csv\ndataFile: data.csv");
        Assert.NotNull(sweep);
        Assert.Equal(["validationFraction", "testFraction"], problems.Select(problem => problem.Key));
        Assert.All(problems, problem => Assert.True(problem.IsWarning && problem.Message.Contains("1 of 4 classes", StringComparison.Ordinal)));
    }

    [Fact]
    public void Check_Digits_NeedsNothing()
    {
        var reading = Read("dataset: digits");
        var (sweep, problems, file) = SweepData.Check(reading, _files.Sources, _ => { }, CancellationToken.None);
        Assert.Same(reading.Sweep, sweep);
        Assert.Empty(problems);
        Assert.Null(file);
        Assert.Equal(
            "digits: 1,797 rows x 64 features x 10 classes; the smallest class has 174 rows; each row is an image of 1 channel, 8 pixels high and 8 wide",
            Check("dataset: digits").Data);
        Assert.Single(Check("dataset: digits\ntraining: { batchSize: 1300 }").Problems);
        Assert.Empty(Check("dataset: digits\ntraining: { batchSize: 1200 }").Problems);
    }

    [Theory]
    [InlineData("csv\ndataFile: data.csv\nspace: { architecture: [dense, convolution] }", "network.architecture", 4, 24, "convolution needs images, and csv has none")]
    [InlineData("digits\nspace: { architecture: [dense, convolution], channels: [[4, 4], [2, 2, 2, 2]] }", "network.channels", 3, 56, "4 blocks, but pooling leaves nothing")]
    public void Check_NetworkThatTheDataDoNotFit_NamesTheKeyAtItsPlace(string lines, string key, int line, int column, string expected)
    {
        _files.Write("data.csv", DataFiles.Csv(rows: 90));
        var (sweep, problems, _) = Check($"dataset: {lines}");
        Assert.Null(sweep);
        var problem = Assert.Single(problems, problem => !problem.IsWarning);
        Assert.Equal((key, line, column), (problem.Key, problem.Line, problem.Column));
        Assert.Contains(expected, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_ConvolutionsThatFit_AreNoProblem() =>
        Assert.NotNull(Check("dataset: digits\nspace: { architecture: [dense, convolution], channels: [[4], [2, 2, 2]] }").Sweep);

    [Fact]
    public void Check_OfficialSetThatIsNotThere_StandsAtTheDataSet()
    {
        var problem = Assert.Single(Check("dataset: mnist").Problems);
        Assert.Equal((2, 10, "dataset"), (problem.Line, problem.Column, problem.Key));
        Assert.Contains("mnist: train-images-idx3-ubyte is not on this machine", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_Csv_SaysItsSizeAndWarnsOfItsLabels()
    {
        _files.Write("data.csv", DataFiles.Csv(rows: 90).Replace("class 1\n", "class 1 \n", StringComparison.Ordinal));
        Assert.Equal("csv: 90 rows x 2 features x 3 classes; the smallest class has 30 rows", Check("dataset: csv\ndataFile: data.csv").Data);

        var data = _files.Write("data.csv", "a,label\n" + string.Concat(Enumerable.Range(0, 60).Select(i => $"{i},{(i % 4 < 2 ? i % 2 : $"{i % 2}.0")}\n")));
        var (sweep, problems, _) = Check("dataset: csv\ndataFile: data.csv");
        Assert.NotNull(sweep);
        var alike = Assert.Single(problems);
        Assert.Equal((data, 4, 3, true), (alike.File, alike.Line, alike.Column, alike.IsWarning));

        _files.Write("data.csv", "a,label\n" + string.Concat(Enumerable.Range(0, 60).Select(i => $"{i},{i % 12 + 0.5}\n")));
        var checkedSweep = Check("dataset: csv\ndataFile: data.csv");
        Assert.Equal("csv: 60 rows x 1 features x 12 classes; the smallest class has 5 rows", checkedSweep.Data);
        var measurements = Assert.Single(checkedSweep.Problems, problem => problem.Message.Contains("look like measurements", StringComparison.Ordinal));
        Assert.Equal(("dataFile", 3, 11, true), (measurements.Key, measurements.Line, measurements.Column, measurements.IsWarning));
    }

    [Theory]
    [InlineData("8, 8, 3", "convolution", true)]
    [InlineData("3, 8, 8", "convolution", false)]
    [InlineData("8, 8, 8", "convolution", false)]
    [InlineData("8, 8, 3", "dense", false)]
    public void Check_ImagesThatHaveTheirChannelsLast_AreWarnedOf(string shape, string architecture, bool isWarned)
    {
        var size = shape.Split(", ").Aggregate(1, (product, length) => product * int.Parse(length));
        _files.Write("data.npz", Npz.Of(("x.npy", Npz.Floats($"40, {shape}", new float[40 * size])), ("y.npy", Npz.Longs("40,", [.. Enumerable.Range(0, 40).Select(i => i % 2L)]))));
        var found = Check($"dataset: npz\ndataFile: data.npz\ntraining: {{ batchSize: 8 }}\nspace: {{ architecture: [{architecture}], channels: [[4]] }}");
        Assert.NotNull(found.Sweep);
        Assert.Equal(isWarned, found.Problems.Any(problem => problem.IsWarning && problem.Message.Contains(
            "x is read as [rows, channels, height, width], so each row is an image of 8 channels, 8 pixels high and 3 wide", StringComparison.Ordinal)));
        Assert.Contains("each row is an image of ", found.Data, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("training: { epochs: 1, batchSize: 1200 }\nspace: { schedule: [constant, one-cycle] }", "1 of 2 cells have only 1 in all")]
    [InlineData("training: { schedule: one-cycle, epochs: 9, batchSize: 1200 }", "1 of 1 cells have only 9 in all")]
    [InlineData("training: { schedule: one-cycle, epochs: 10, batchSize: 1200 }", null)]
    [InlineData("training: { schedule: cosine, epochs: 1, batchSize: 1200 }", null)]
    public void Check_OneCycleOverFewSteps_IsWarnedOf(string lines, string? expected)
    {
        var found = Check($"dataset: digits\n{lines}");
        Assert.NotNull(found.Sweep);
        Assert.Equal(expected is null ? 0 : 1, found.Problems.Count(problem => problem.Key == "training.schedule"));
        Assert.All(found.Problems, problem => Assert.True(problem.IsWarning && problem.Message.Contains(expected!, StringComparison.Ordinal)));
    }

    [Fact]
    public void Check_LabelColumnThatIsInUseAnyway_MakesNoOtherCells()
    {
        _files.Write("data.csv", DataFiles.Csv(rows: 90).Replace("label\n", "kind\n", StringComparison.Ordinal));
        var without = Check("dataset: csv\ndataFile: data.csv").Sweep!;
        var named = Check("dataset: csv\ndataFile: data.csv\nlabelColumn: kind").Sweep!;
        Assert.Equal(without.Cells.Select(cell => cell.Id), named.Cells.Select(cell => cell.Id));
        Assert.True(SweepChange.Between(without, named).IsIdentical);
        Assert.True(SweepChange.Between(named, without).IsIdentical);
        Assert.Equal(named.Cells.Select(cell => cell.Id), SweepFile.Parse(named.Text, "stored").Sweep!.Cells.Select(cell => cell.Id));

        // A sweep that was stored when it did make others keeps its own.
        var stored = SweepFile.WithContent(named, SweepFile.DataContentOf(named.Text)!);
        Assert.NotEqual(stored.Cells[0].Id, named.Cells[0].Id);
        Assert.True(SweepChange.Between(stored, SweepFile.ReadAs(stored, named)).IsIdentical);
        Assert.Same(named, SweepFile.ReadAs(without, named));
    }

    [Fact]
    public void Check_PipeAsDataFile_SaysToSaveItToAFile()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux names open pipes.");
        using var pipe = new System.IO.Pipes.AnonymousPipeServerStream(System.IO.Pipes.PipeDirection.Out);
        var problem = Assert.Single(Check($"dataset: csv\ndataFile: /dev/fd/{pipe.ClientSafePipeHandle.DangerousGetHandle()}").Problems);
        Assert.Equal("dataFile", problem.Key);
        Assert.Contains("this is a pipe or a device", problem.Message, StringComparison.Ordinal);
    }

    private CheckedSweep Check(string lines) => SweepData.Check(Read(lines), _files.Sources, _ => { }, CancellationToken.None);

    private SweepReading Read(string lines) =>
        SweepFile.Read(_files.Write("sweep.yaml", $"name: a\n{lines}\nnetwork: {{ hidden: [8] }}\n"));
}
