using DeepTrain.Cluster.Servers;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>The other samples, run as people run them.</summary>
public sealed class SamplesTests(ITestOutputHelper output) : IDisposable
{
    private const string FashionMnist = "/usr/share/datasets/fashion-mnist";

    private readonly Workplace _workplace = new();

    public void Dispose() => _workplace.Dispose();

    [Fact]
    public async Task VanishingGradients_Runs_AndGivesTheTextbooksVerdicts()
    {
        // Verdicts are of the start; two epochs and replicates are enough to see that nothing breaks on the way.
        var text = File.ReadAllText(Repository.PathOf("samples/vanishing-gradients.yaml"));
        var file = _workplace.Write("vanishing-gradients.yaml",
            text.Replace("epochs: 20", "epochs: 2", StringComparison.Ordinal).Replace("replicates: 6", "replicates: 2", StringComparison.Ordinal));
        var run = (await _workplace.Run(file).WaitAsync()).Expect(0).Json.GetProperty("trials");
        Assert.Equal(8, run.GetProperty("completed").GetInt32() + run.GetProperty("diverged").GetInt32());

        var results = (await _workplace.Tell("results", "vanishing-gradients", "--format", "json")).Expect(0).Json.EnumerateArray().ToList();
        Assert.Equal(8, results.Count);
        Assert.All(results, trial => Assert.Equal(
            (trial.GetProperty("cell").GetProperty("activation").GetString(), trial.GetProperty("cell").GetProperty("initializer").GetString()) switch
            {
                ("logistic", "xavier-normal") => "vanishing",
                ("logistic", _) => "saturated",
                (_, "normal") => "exploding",
                _ => "healthy",
            },
            trial.GetProperty("gradientStart").GetString()));
        foreach (var number in _workplace.Store.HealthNumbers())
            Assert.True(float.IsFinite(number), "The store holds a number that is none.");
        Assert.True(_workplace.Store.HealthNumbers().Count() > 8 * 21 * 8);

        var vanishing = results.First(trial => trial.GetProperty("gradientStart").GetString() == "vanishing").GetProperty("trial").GetString()!;
        var start = (await _workplace.Tell("results", "vanishing-gradients", "--trial", vanishing, "--format", "json")).Expect(0).Json
            .GetProperty("epochs")[0];
        var layers = start.GetProperty("layers").EnumerateArray().Select(layer => layer.GetProperty("gradientRms").GetDouble()).ToList();
        output.WriteLine($"gradient of the first hidden layer over the last: {layers[0] / layers[^2]:G3}");
        Assert.InRange(layers[0] / layers[^2], 1e-14, 1e-10);
    }

    [Fact]
    public async Task Command_Runs_AndMoreUnitsAreBetter()
    {
        InstalledPrograms.Require("python3", package: "python3");
        // The script's path is relative to where the command starts, which is another folder here.
        var text = File.ReadAllText(Repository.PathOf("samples/command.yaml"));
        var file = _workplace.Write("command.yaml", text.Replace("samples/train.py", Repository.PathOf("samples/train.py"), StringComparison.Ordinal));
        var run = (await _workplace.Run(file).WaitAsync()).Expect(0).Json;
        Assert.Equal(12, run.GetProperty("trials").GetProperty("completed").GetInt32());

        var results = (await _workplace.Tell("results", "moons-in-python", "--format", "json")).Expect(0).Json.EnumerateArray().ToList();
        Assert.All(results, trial => Assert.Equal(15, trial.GetProperty("epochs").GetInt32()));
        var byUnits = results.ToLookup(
            trial => trial.GetProperty("cell").GetProperty("units").GetInt32(), trial => trial.GetProperty("validationAccuracy").GetDouble());
        output.WriteLine($"2 units: {byUnits[2].Average():F3}, 8 units: {byUnits[8].Average():F3}");
        Assert.True(byUnits[8].Average() > byUnits[2].Average());
    }

    [Fact]
    [Trait("Duration", "Long")]
    public async Task FashionMnist_TenEpochs_ReachesItsAccuracy()
    {
        Prerequisite.Require(Directory.Exists(FashionMnist), $"{FashionMnist} is missing: apt-get install dataset-fashion-mnist");
        (await _workplace.Run(Repository.PathOf("samples/fashion-mnist.yaml")).WaitAsync()).Expect(0);
        var trial = (await _workplace.Tell("results", "fashion-mnist", "--format", "json")).Expect(0).Json[0];
        output.WriteLine($"validation {trial.GetProperty("validationAccuracy")}, test {trial.GetProperty("testAccuracy")}");
        Assert.InRange(trial.GetProperty("validationAccuracy").GetDouble(), 0.88, 1);
    }
}
