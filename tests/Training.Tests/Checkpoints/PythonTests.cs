using System.Diagnostics;
using System.Text.Json;
using DeepTrain.Cluster.Servers;
using DeepTrain.Cluster.Silo.Tests;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Checkpoints;
using DeepTrain.Cluster.Training.Data;

namespace DeepTrain.Cluster.Training.Tests;

/// <summary>The code in docs/models.md, run as it stands there by a Python that has torch: Debian's python3-torch will do.</summary>
public sealed class PythonTests : IDisposable
{
    private const string Missing =
        "No python3 here has torch: the code in docs/models.md is not tried. On Debian: apt install python3-torch";

    private static readonly Lazy<string?> Python = new(Find);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Load_AsTheDocumentReadsIt_GivesTheTensors()
    {
        var trial = Trials.Configuration((Parameters.Hidden, new[] { 20, 7 }), (Parameters.BatchNorm, true), (Parameters.Activation, "prelu")).Trial();
        Train(trial);

        var said = Run(trial, 1, """
            tensors, configuration = load(sys.argv[1])
            print(json.dumps({"configuration": configuration, "tensors": {
                name: [list(t.shape), t.numpy().tobytes().hex()] for name, t in tensors.items()}}))
            """);

        Assert.True(JsonElement.DeepEquals(
            JsonSerializer.Deserialize<JsonElement>(trial.Configuration.Json), said.GetProperty("configuration")));
        using var model = SafeTensorsFile.Open(_folder[Model.FileName(trial.Id)]);
        Assert.Equal(model.Tensors.Keys.Order(), said.GetProperty("tensors").EnumerateObject().Select(tensor => tensor.Name).Order());
        foreach (var (name, tensor) in model.Tensors)
        {
            var bytes = new byte[tensor.Length];
            model.Read(name, 0, bytes);
            var read = said.GetProperty("tensors").GetProperty(name);
            Assert.Equal(tensor.Shape, read[0].EnumerateArray().Select(size => size.GetInt64()));
            Assert.Equal(Convert.ToHexStringLower(bytes), read[1].GetString());
        }
    }

    [Theory]
    [InlineData("dense", "prelu", "before")]
    [InlineData("dense", "elu", null)]
    [InlineData("dense", "leaky-relu", "after")]
    [InlineData("convolution", "relu", "before")]
    [InlineData("convolution", "gelu", null)]
    public void Network_AsTheDocumentBuildsIt_HasTheTrialsTestLossAndAccuracy(string architecture, string activation, string? batchNorm)
    {
        var trial = Trials.Configuration(
            (Parameters.Architecture, architecture), (Parameters.Channels, new[] { 5, 6 }), (Parameters.Hidden, new[] { 20, 7 }),
            (Parameters.BatchNorm, batchNorm is not null), (Parameters.BatchNormPlacement, batchNorm ?? "before"),
            (Parameters.Activation, activation)).Trial();
        var last = Train(trial);
        var data = Dataset.Of("digits");
        var test = Partition.Of(data, trial.Configuration, trial.Id.Replicate).Test;
        var pixels = data.Features.data<float>().ToArray();
        File.WriteAllText(_folder["test.json"], JsonSerializer.Serialize(new
        {
            x = test.Select(row => pixels[(row * 64)..(row * 64 + 64)]), y = test.Select(row => data.Labels[row]),
        }));

        var said = Run(trial, 2, """
            test = json.load(open(sys.argv[2]))
            x = torch.tensor(test["x"])
            tensors, configuration = load(sys.argv[1])
            images = configuration.get("architecture") == "convolution"
            logits = network(tensors, configuration)(x.reshape(-1, 1, 8, 8) if images else x)
            y = torch.tensor(test["y"])
            print(json.dumps([nn.functional.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()]))
            """);

        Assert.Equal(last.Ending!.TestLoss!.Value, said[0].GetDouble(), 1e-5);
        Assert.Equal(last.Ending.TestAccuracy!.Value, said[1].GetDouble(), 1.5 / test.Length);
    }

    private EpochReport Train(CohortTrial trial) => new Cohort(
        [trial], Models: new(_folder.Root, (_, error) => Assert.Fail($"{error}"))).Train()[trial.Id].Last();

    /// <param name="blocks">How many of the document's blocks of Python come before.</param>
    /// <returns>The JSON that the code prints.</returns>
    private JsonElement Run(CohortTrial trial, int blocks, string code)
    {
        Prerequisite.Require(Python.Value is not null, Missing);
        var document = File.ReadAllText(Path.Combine(Root(), "docs", "models.md"));
        var given = document.Split("```python\n").Skip(1).Take(blocks).Select(block => block[..block.IndexOf("```", StringComparison.Ordinal)]);
        File.WriteAllText(_folder["read.py"], string.Join("\n", [.. given, "import sys", code]));

        var (exitCode, output, errors) = Execute(Python.Value, _folder["read.py"], _folder[Model.FileName(trial.Id)], _folder["test.json"]);

        Assert.True(exitCode == 0, errors);
        return JsonSerializer.Deserialize<JsonElement>(output);
    }

    private static string? Find() => ((string[])["python3", "/usr/bin/python3"]).FirstOrDefault(python =>
    {
        try
        {
            return Execute(python, "-c", "import torch").ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    });

    private static (int ExitCode, string Output, string Errors) Execute(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, errors.Result);
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "DeepTrain.Cluster.sln")))
            folder = folder.Parent ?? throw new InvalidOperationException("The tests must run inside the repository.");
        return folder.FullName;
    }
}
