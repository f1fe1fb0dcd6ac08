namespace DeepTrain.Cluster.Cluster.Tests;

public sealed class QuickstartTests : IDisposable
{
    private readonly Workplace _workplace = new();

    public void Dispose() => _workplace.Dispose();

    [Fact]
    public async Task Quickstart_Runs_AndReachesItsAccuracy()
    {
        var run = (await _workplace.Run(Repository.PathOf("samples/quickstart.yaml")).WaitAsync()).Expect(0).Json;
        var results = (await _workplace.Tell("results", "activations-on-digits", "--format", "json")).Expect(0).Json
            .EnumerateArray().ToList();

        Assert.Equal(360, run.GetProperty("trials").GetProperty("completed").GetInt32());
        Assert.Equal(360, results.Count);
        Assert.InRange(results.Max(trial => trial.GetProperty("validationAccuracy").GetDouble()), 0.98, 1);
        var means = results.GroupBy(trial => trial.GetProperty("cell").GetRawText())
            .Select(cell => cell.Average(trial => trial.GetProperty("objective").GetDouble())).ToList();
        Assert.Equal(60, means.Count);
        Assert.InRange(means.Max(), 0.975, 1);
        Assert.Equal(means.Max(), run.GetProperty("best").GetProperty("objective").GetDouble(), 1e-12);
    }
}
