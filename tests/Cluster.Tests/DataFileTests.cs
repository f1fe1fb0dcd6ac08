using System.Globalization;

namespace DeepTrain.Cluster.Cluster.Tests;

public sealed class DataFileTests : IDisposable
{
    private readonly Workplace _workplace = new();

    public void Dispose() => _workplace.Dispose();

    [Fact]
    public async Task Run_Csv_KeepsItsDataAndKnowsItAgainByItsContent()
    {
        var rows = "a,b,kind\n" + string.Concat(Enumerable.Range(0, 120).Select(i =>
            string.Create(CultureInfo.InvariantCulture, $"{i % 2 + 0.2 * Math.Sin(i)},{1000 * Math.Cos(i)},kind {i % 2}\n")));
        _workplace.Write("data.csv", rows);
        var file = _workplace.Write("mine.yaml", Sweep("data.csv", replicates: 2));

        var run = (await _workplace.Run(file).WaitAsync()).Expect(0).Json;
        Assert.Equal(4, run.GetProperty("trials").GetProperty("completed").GetInt32());
        Assert.InRange(run.GetProperty("best").GetProperty("objective").GetDouble(), 0.9, 1);

        // The original goes: what was submitted can still be followed, and the same content elsewhere extends it.
        _workplace.Delete("data.csv");
        (await _workplace.Tell("results", "mine")).Expect(0);
        (await _workplace.Run(file).WaitAsync()).Expect(2).ExpectInErrors("mine.yaml:3:11: dataFile: there is no file");
        _workplace.Write("elsewhere.csv", rows);
        var moved = _workplace.Write("mine.yaml", Sweep("elsewhere.csv", replicates: 3));
        (await _workplace.Run(moved).WaitAsync()).Expect(0).ExpectInErrors("mine-1: extended, +2 trials");

        _workplace.Write("elsewhere.csv", rows + "1,2,kind 1\n");
        (await _workplace.Run(moved).WaitAsync()).Expect(2).ExpectInErrors("dataContent: ").ExpectInErrors("--new");
        Assert.Equal(6, _workplace.Store.Ended("mine-1"));
    }

    private static string Sweep(string dataFile, int replicates) => $$"""
        name: mine
        dataset: csv
        dataFile: {{dataFile}}
        network: { hidden: [8] }
        training: { epochs: 10, batchSize: 8, learningRate: 0.1 }
        space: { activation: [tanh, relu] }
        replicates: {{replicates}}
        """;
}
