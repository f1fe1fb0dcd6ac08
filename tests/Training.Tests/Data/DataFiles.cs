using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Fusion;

namespace DeepTrain.Cluster.Training.Tests;

/// <summary>A folder of data files, and a trainer that finds them.</summary>
internal sealed class DataFiles : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("deeptrain-data-").FullName;

    public DatasetSources Sources => new()
    {
        Given = this["given"], System = this["system"], Cache = this["cache"], Kept = this["kept"], Network = null,
    };

    public FusedTrainer Trainer => new(TimeProvider.System, Sources);

    public string this[string name] => Path.Combine(_root, name);

    /// <summary>Three classes in two features of very different scale.</summary>
    public static string Csv(int rows) => "a,b,label\n" + string.Concat(Enumerable.Range(0, rows).Select(i =>
        string.Create(CultureInfo.InvariantCulture, $"{i % 3 + 0.3 * Math.Sin(i)},{1e9 + 1e5 * Math.Cos(7 * i)},class {i % 3}\n")));

    public static Configuration With(Configuration configuration, Parameter parameter, string value) =>
        Configuration.Resolve(new Dictionary<string, ParameterValue>(configuration.Values) { [parameter.Name] = ParameterValue.Of(value) });

    public string Write(string name, string content) => Write(name, Encoding.UTF8.GetBytes(content));

    public string Write(string name, byte[] content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[name])!);
        File.WriteAllBytes(this[name], content);
        return this[name];
    }

    /// <summary>A configuration of a file that a sweep was submitted with.</summary>
    public Configuration Keep(string dataset, string content)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content)));
        KeptFiles.Keep(Write("original", content), hash, Sources.Kept!, TimeProvider.System);
        return Trials.Configuration(
            (Parameters.Dataset, dataset), (Parameters.DataContent, hash), (Parameters.BatchSize, 8), (Parameters.Hidden, new[] { 8 }));
    }

    /// <summary>Trains to the end.</summary>
    public ILookup<TrialId, EpochReport> Train(ImmutableArray<CohortTrial> trials)
    {
        using var run = Trainer.Start(new(trials));
        var reports = new List<EpochReport>();
        while (run.InTraining.Count > 0)
            reports.AddRange(run.TrainEpoch());
        return reports.ToLookup(report => report.Trial);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
