using System.Collections.Immutable;
using System.Globalization;
using DeepTrain.Cluster.Sweeps;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training;

/// <summary>The final weights of one trial, as docs/models.md says: what PyTorch reads.</summary>
public static class Model
{
    private const string Format = "deeptrain-model-1";

    /// <summary>The name of a trial's model in the folder of its sweep.</summary>
    public static string FileName(TrialId trial) => $"{trial.Cell}-r{trial.Replicate}.safetensors";

    /// <summary>Whether a file holds the model of just this result.</summary>
    public static bool IsOf(string path, TrialResult result)
    {
        try
        {
            using var file = SafeTensorsFile.Open(path);
            return file.Metadata.GetValueOrDefault("format") == Format && file.Metadata.GetValueOrDefault("trial") == $"{result.Trial}"
                && Metrics(result.TrainLoss, result.ValidationLoss, result.ValidationAccuracy, result.TestLoss, result.TestAccuracy)
                    .All(metric => file.Metadata.GetValueOrDefault(metric.Name) == metric.Text);
        }
        catch (Exception error) when (error is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Writes the model of a trial that has completed.</summary>
    /// <param name="place">The trial's place in its cohort.</param>
    /// <param name="sizes">The units of each layer without any padding: features, hidden layers, classes.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    internal static void Save(string folder, CohortTrial trial, EpochReport last, IEnumerable<Stacked> state, int place, IReadOnlyList<int> sizes)
    {
        using var scope = NewDisposeScope();
        TensorFile.Save(Path.Combine(folder, FileName(trial.Id)), Describe(trial, last), [.. Of(state, place, sizes)]);
    }

    /// <summary>One trial's part of a network's state, without padding, each under its layer's number and its own name.</summary>
    private static IEnumerable<(string Name, Tensor Value)> Of(IEnumerable<Stacked> state, int place, IReadOnlyList<int> sizes)
    {
        foreach (var stacked in state.Where(stacked => place >= stacked.Trials.Start && place < stacked.Trials.Start + stacked.Trials.Count))
        {
            if (stacked.Name.Split('.') is not [var number, var part, ..])
                throw new ArgumentException($"'{stacked.Name}' has no layer in its name.", nameof(state));
            var layer = int.Parse(number, CultureInfo.InvariantCulture);
            var own = stacked.Value.select(0, place - stacked.Trials.Start);
            yield return ($"{number}.{part}", part switch
            {
                "weight" => own.narrow(0, 0, sizes[layer]).narrow(1, 0, sizes[layer - 1]),
                "alpha" => own.reshape(1),
                _ => own.narrow(0, 0, sizes[layer]).reshape(sizes[layer]),
            });
        }
    }

    private static ImmutableDictionary<string, string> Describe(CohortTrial trial, EpochReport last)
    {
        var torch = TorchRuntime.Describe();
        var metadata = ImmutableDictionary.CreateBuilder<string, string>();
        metadata["format"] = Format;
        metadata["trial"] = $"{trial.Id}";
        metadata["configuration"] = trial.Configuration.Json;
        metadata["dataset"] = trial.Configuration[Parameters.Dataset];
        metadata["code"] = CodeVersion.Current;
        metadata["libtorch"] = torch.LibTorch;
        metadata["cpu"] = torch.CpuCapability;
        metadata["epochs"] = last.Epoch.ToString(CultureInfo.InvariantCulture);
        foreach (var (name, text) in Metrics(
            last.TrainLoss, last.ValidationLoss, last.ValidationAccuracy, last.Ending?.TestLoss, last.Ending?.TestAccuracy))
            metadata[name] = text;
        return metadata.ToImmutable();
    }

    private static (string Name, string Text)[] Metrics(
        double? trainLoss, double? validationLoss, double? validationAccuracy, double? testLoss, double? testAccuracy) =>
    [
        ("train.loss", Text(trainLoss)), ("validation.loss", Text(validationLoss)), ("validation.accuracy", Text(validationAccuracy)),
        ("test.loss", Text(testLoss)), ("test.accuracy", Text(testAccuracy)),
    ];

    /// <summary>To the last bit; empty where there is no finite number.</summary>
    private static string Text(double? number) =>
        number is { } value && double.IsFinite(value) ? value.ToString("R", CultureInfo.InvariantCulture) : "";
}
