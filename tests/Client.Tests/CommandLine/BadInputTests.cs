using DeepTrain.Cluster.Silo.Tests;
using DeepTrain.Cluster.Sweeps.Tests;
using DeepTrain.Cluster.Training.Tests;

namespace DeepTrain.Cluster.Client.Tests;

public sealed class BadInputTests(ITestOutputHelper output) : IDisposable
{
    private const int Seed = 20_260_101;

    private readonly TemporaryFolder _folder = new();

    private string Data => _folder["data"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("unknown command 'rsults': did you mean 'results'?", "rsults", "mine")]
    [InlineData("unknown command 'frobnicate'.", "frobnicate")]
    [InlineData("unknown option '--replicate': did you mean '--replicates'?", "extend", "mine", "--replicate", "3")]
    [InlineData("unknown option '--cluser': did you mean '--cluster'?", "list", "--cluser")]
    [InlineData("unknown argument 'more'.", "status", "mine", "more")]
    public void AnyCommand_Misspelt_NamesWhatIsMeant(string expected, params string[] arguments)
    {
        var said = CommandLine.Run(arguments);

        Assert.Equal((2, ""), (said.ExitCode, said.Output));
        Assert.StartsWith($"error: {expected}{Environment.NewLine}", said.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_BrokenFile_TellsItsPlacesAndStoresNothing()
    {
        output.WriteLine($"seed {Seed}");
        var path = _folder["broken.yaml"];
        var count = 0;
        foreach (var (name, content) in BrokenSweepFiles.All(Seed))
        {
            File.WriteAllBytes(path, content);

            var said = CommandLine.Run("run", path, "--data", Data);

            Assert.True(said.ExitCode == 2, $"{name}: ended with {said.ExitCode}. {said.Errors}");
            Assert.True(said.Errors.Split('\n').Any(line => IsPlaced(line, path)), $"{name}: no place in '{said.Errors}'");
            Assert.True(said.Output.Length == 0, $"{name}: '{said.Output}' on stdout");
            Assert.False(Directory.Exists(Data), name);
            count++;
        }
        Assert.InRange(count, 200, int.MaxValue);
    }

    [Fact]
    public void Run_TwoMistakes_TellsBothAndCountsThem()
    {
        var path = _folder["two.yaml"];
        File.WriteAllText(path, """
            name: two
            dataset: digit
            network: { hidden: [8] }
            training: { epochs: 0 }
            space: { batchNorm: [true] }
            """);

        var said = CommandLine.Run("run", path, "--data", Data);

        Assert.Equal(2, said.ExitCode);
        Assert.Contains($"{path}:2:10:", said.Errors, StringComparison.Ordinal);
        Assert.Contains($"{path}:4:21:", said.Errors, StringComparison.Ordinal);
        Assert.EndsWith($"error: {path} has 2 errors.{Environment.NewLine}", said.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_BrokenDataFile_TellsItsPlaceQuotesNothingAndStoresNothing()
    {
        var path = _folder["sweep.yaml"];
        var count = 0;
        foreach (var broken in BrokenDataFiles.All())
        {
            var data = _folder[$"data.{broken.Dataset}"];
            File.WriteAllBytes(data, broken.Content);
            File.WriteAllText(path, $"name: a\ndataset: {broken.Dataset}\ndataFile: data.{broken.Dataset}\nnetwork: {{ hidden: [8] }}\nreplicates: 12\n"
                + (broken.LabelColumn is { } column ? $"labelColumn: {column}\n" : ""));

            var said = CommandLine.Run("run", path, "--data", Data);

            Assert.True(said.ExitCode == 2, $"{broken.Name}: ended with {said.ExitCode}. {said.Errors}");
            Assert.True(said.Errors.Split('\n').Any(line => IsPlaced(line, path) || IsPlaced(line, data)), $"{broken.Name}: no place in '{said.Errors}'");
            Assert.Contains(data, said.Errors, StringComparison.Ordinal);
            Assert.DoesNotContain(BrokenDataFiles.Secret, said.Errors, StringComparison.Ordinal);
            Assert.True(said.Output.Length == 0, $"{broken.Name}: '{said.Output}' on stdout");
            Assert.False(Directory.Exists(Data), broken.Name);
            count++;
        }
        Assert.InRange(count, 100, int.MaxValue);
    }

    [Theory]
    [InlineData("run")]
    [InlineData("submit")]
    [InlineData("validate")]
    public void BatchLargerThanTheData_IsToldBeforeAnythingStarts(string verb)
    {
        var path = _folder["batch.yaml"];
        File.WriteAllText(path, "name: a\ndataset: digits\nnetwork: { hidden: [8] }\ntraining: { batchSize: 1300 }\n");
        string[] options = verb == "validate" ? [] : ["--data", Data];

        var said = CommandLine.Run([verb, path, .. options]);

        Assert.Equal((2, ""), (said.ExitCode, said.Output));
        Assert.StartsWith($"{path}:4:24: training.batchSize: 1300 rows, but only ", said.Errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Data));
    }

    [Theory]
    [InlineData("run")]
    [InlineData("submit")]
    [InlineData("validate")]
    public void FileThatIsNotThere_IsNamed(string verb)
    {
        string[] options = verb == "validate" ? [] : ["--data", Data];

        var said = CommandLine.Run([verb, _folder["gone.yaml"], .. options]);

        Assert.Equal((2, ""), (said.ExitCode, said.Output));
        Assert.Contains(_folder["gone.yaml"], said.Errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Data));
    }

    [Theory]
    [InlineData("'frobnicate'", "frobnicate")]
    [InlineData("'--fast'", "list", "--fast")]
    [InlineData("--format is one of table, json, csv", "list", "--format", "xml")]
    [InlineData("--format is one of table, json, csv", "list", "--format", "1")]
    [InlineData("--slots is a whole number from 1 to 1024", "run", "x.yaml", "--slots", "0")]
    [InlineData("--metrics-port is a port from 1 to 65535, or 0", "run", "x.yaml", "--metrics-port", "65536")]
    [InlineData("--datasets: there is no folder 'nowhere/at/all'", "datasets", "--datasets", "nowhere/at/all")]
    [InlineData("run", "run")]
    public void WrongUsage_IsToldWithTheWayToHelp(string told, params string[] arguments)
    {
        var said = CommandLine.Run(arguments);

        Assert.Equal((2, ""), (said.ExitCode, said.Output));
        Assert.Contains(told, said.Errors, StringComparison.Ordinal);
        Assert.EndsWith($"See: deeptrain --help{Environment.NewLine}", said.Errors, StringComparison.Ordinal);
    }

    // FILE:LINE:COLUMN: ...
    private static bool IsPlaced(string line, string path) =>
        line.StartsWith($"{path}:", StringComparison.Ordinal)
        && line[(path.Length + 1)..].Split(':') is [var row, var column, ..]
        && int.TryParse(row, out var parsedRow) && parsedRow >= 1
        && int.TryParse(column, out var parsedColumn) && parsedColumn >= 1;

    [Theory]
    [InlineData("soon")]
    [InlineData("-1")]
    [InlineData("NaN")]
    public void Run_CheckpointSecondsThatAreNone_IsBadInput(string seconds)
    {
        Environment.SetEnvironmentVariable("DEEPTRAIN_CHECKPOINT_SECONDS", seconds);
        try
        {
            var said = CommandLine.Run("run", "none.yaml");

            Assert.Equal((2, ""), (said.ExitCode, said.Output));
            Assert.StartsWith($"DEEPTRAIN_CHECKPOINT_SECONDS is '{seconds}': expected a number of seconds", said.Errors, StringComparison.Ordinal);
        }
        finally
        {
            Environment.SetEnvironmentVariable("DEEPTRAIN_CHECKPOINT_SECONDS", null);
        }
    }
}
