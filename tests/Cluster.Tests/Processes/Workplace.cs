using System.Collections.Concurrent;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>A folder with sweep files and a data folder, and the processes that work there; all gone when disposed.</summary>
internal sealed class Workplace : IDisposable
{
    private static readonly ConcurrentDictionary<string, Lazy<Task<IReadOnlyList<object>>>> Results = [];

    private readonly string _root = Directory.CreateTempSubdirectory("deeptrain-e2e-").FullName;
    private readonly List<DeepTrainProcess> _processes = [];

    public string Data => Path.Combine(_root, "data");

    /// <summary>What processes that are started from now on take as the interval of checkpoints; null: what they do by themselves.</summary>
    public int? CheckpointSeconds { get; set; }

    public StoreFile Store => new(Path.Combine(Data, "sweeps.db"));

    /// <summary>Writes a sweep file under its sweep's name.</summary>
    public string Write(SweepText sweep) => Write($"{sweep.Name}.yaml", sweep.ToString());

    public string Write(string name, string content)
    {
        var path = Path.Combine(_root, name);
        File.WriteAllText(path, content);
        return path;
    }

    public void Delete(string name) => File.Delete(Path.Combine(_root, name));

    /// <summary>Starts <c>run FILE --format json</c> without metrics.</summary>
    public DeepTrainProcess Run(string file, params string[] options) =>
        Start(["run", file, "--format", "json", "--metrics-port", "0", .. options]);

    public DeepTrainProcess Start(params string[] arguments)
    {
        var process = DeepTrainProcess.Start(_root, [.. arguments, "--data", Data], CheckpointSeconds);
        _processes.Add(process);
        return process;
    }

    /// <summary>Starts a verb of the program <c>silo</c> here.</summary>
    public DeepTrainProcess Silo(string verb, Dictionary<string, string> settings)
    {
        var process = DeepTrainProcess.Start(DeepTrainProcess.SiloProgram, _root, [verb], new(settings) { ["DEEPTRAIN_DATA"] = Data });
        _processes.Add(process);
        return process;
    }

    /// <summary>What a sweep gives in a folder of its own where nobody disturbs it; trained for the first test that asks.</summary>
    public static Task<IReadOnlyList<object>> ResultsAsync(SweepText sweep) =>
        Results.GetOrAdd($"{sweep}", _ => new(() => TrainAsync(sweep))).Value;

    public string PathOf(string name) => Path.Combine(_root, name);

    public async Task<Finished> Tell(params string[] arguments) => await Start(arguments).WaitAsync();

    public void Dispose()
    {
        foreach (var process in _processes)
            process.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    private static async Task<IReadOnlyList<object>> TrainAsync(SweepText sweep)
    {
        using var workplace = new Workplace();
        (await workplace.Run(workplace.Write(sweep)).WaitAsync()).Expect(0);
        return [.. workplace.Store.Trials($"{sweep.Name}-1").Select(trial => trial.Result)];
    }
}

/// <summary>A sweep file: cells are widths x epochs x activations; each width and each number of epochs is a cohort of its own.</summary>
internal sealed record SweepText(string Name)
{
    /// <summary>Trials of so many epochs do not end by themselves while a test watches.</summary>
    public const int Endless = 1_000_000;

    public int[] Widths { get; init; } = [8];

    public int[] Epochs { get; init; } = [2];

    public string[] Activations { get; init; } = ["tanh", "relu"];

    public int Replicates { get; init; } = 2;

    public double LearningRate { get; init; } = 0.05;

    /// <summary>Hidden layers.</summary>
    public int Depth { get; init; } = 1;

    /// <summary>The smaller, the longer an epoch takes.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>More lines of the file.</summary>
    public string More { get; init; } = "";

    public int Trials => Widths.Length * Epochs.Length * Activations.Length * Replicates;

    public override string ToString() => FormattableString.Invariant($$"""
        name: {{Name}}
        dataset: digits
        network: { depth: {{Depth}}, initializer: xavier-uniform }
        training: { batchSize: {{BatchSize}}, learningRate: {{LearningRate}}, momentum: 0.9 }
        space:
          width: [{{string.Join(", ", Widths)}}]
          epochs: [{{string.Join(", ", Epochs)}}]
          activation: [{{string.Join(", ", Activations)}}]
        replicates: {{Replicates}}
        {{More}}
        """);
}
