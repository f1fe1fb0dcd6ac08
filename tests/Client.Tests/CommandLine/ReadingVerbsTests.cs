using DeepTrain.Cluster.Silo.Tests;

namespace DeepTrain.Cluster.Client.Tests;

public sealed class ReadingVerbsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Data => _folder["data"];

    public void Dispose()
    {
        Assert.False(Directory.Exists(Data));
        _folder.Dispose();
    }

    [Fact]
    public void List_NoFolder_IsEmpty()
    {
        var said = CommandLine.Run("list", "--data", Data, "--format", "json");

        Assert.Equal((0, "[]", ""), (said.ExitCode, said.Output.Trim(), said.Errors));
    }

    [Theory]
    [InlineData("status")]
    [InlineData("results")]
    [InlineData("watch")]
    [InlineData("cancel")]
    public void UnknownSweep_IsNotFound(string verb)
    {
        var said = CommandLine.Run(verb, "digits-7", "--data", Data);

        Assert.Equal((3, ""), (said.ExitCode, said.Output));
        Assert.StartsWith("error: no sweep 'digits-7'", said.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_GoodFile_SaysItsSize()
    {
        File.WriteAllText(_folder["good.yaml"], """
            name: good
            dataset: digits
            network: { hidden: [8] }
            space: { batchNorm: [false, true], activation: [relu, tanh, elu] }
            replicates: 4
            """);

        var said = CommandLine.Run("validate", _folder["good.yaml"]);

        Assert.Equal((0, $"good: 6 cells x 4 replicates = 24 trials{Environment.NewLine}"), (said.ExitCode, said.Output));
        Assert.StartsWith("dataset digits: 1,797 rows x 64 features x 10 classes; the smallest class has 174 rows", said.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Datasets_Csv_QuotesWhatHasCommas()
    {
        var said = CommandLine.Run("datasets", "--format", "csv");

        Assert.Equal(0, said.ExitCode);
        var lines = said.Output.Split(Environment.NewLine);
        Assert.Equal("name,rows,features,classes,source,found", lines[0]);
        Assert.StartsWith("digits,1797,64,10,\"", lines[1], StringComparison.Ordinal);
    }
}
