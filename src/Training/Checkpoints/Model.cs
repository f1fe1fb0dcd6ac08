using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Networks;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Checkpoints;

/// <summary>The final weights of one trial in the format of docs/models.md, which PyTorch reads.</summary>
public static class Model
{
    private const string Format = "deeptrain-model-1";

    /// <summary>The file name of a trial's model in the folder of its sweep.</summary>
    public static string FileName(TrialId trial) => $"{trial.Cell}-r{trial.Replicate}.safetensors";

    /// <summary>Whether a file holds the model of exactly this result.</summary>
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

    /// <summary>Writes the model of a completed trial.</summary>
    /// <param name="place">The index of the trial in the network.</param>
    /// <param name="classes">The names of the classes; empty where they have none.</param>
    /// <param name="scaling">The standardisation of the features; null where there was none.</param>
    /// <param name="device">The device on which it was trained.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    internal static void Save(string folder, CohortTrial trial, EpochReport last, FusedNetwork network, int place, ImmutableArray<string> classes,
        Standardisation? scaling, ComputeDevice device)
    {
        using var scope = NewDisposeScope();
        // Training does not wait for the disk. A model damaged by a power failure is treated as missing and can be trained again.
        TensorFile.Save(
            Path.Combine(folder, FileName(trial.Id)), Describe(trial, last, classes, device),
            [.. Of(network, place), .. Of(scaling)], isDurable: false);
    }

    /// <summary>One trial's part of a network's state, without padding; convolutions as [out, in, 3, 3].</summary>
    private static IEnumerable<(string Name, Tensor Value)> Of(FusedNetwork network, int place)
    {
        foreach (var stacked in network.State.Where(stacked => place >= stacked.Trials.Start && place < stacked.Trials.End && network.IsOf(stacked, place)))
        {
            var dot = stacked.Name.IndexOf('.', StringComparison.Ordinal);
            var layer = network.Shapes[int.Parse(stacked.Name.AsSpan(0, dot), CultureInfo.InvariantCulture) - 1];
            var own = stacked.Value.select(0, place - stacked.Trials.Start);
            switch (stacked.Name[(dot + 1)..])
            {
                case "weight":
                    var weight = own.narrow(0, 0, layer.Units).narrow(1, 0, layer.Inputs);
                    yield return (stacked.Name, layer.Image is null ? weight
                        : weight.reshape(layer.Units, -1, NetworkShape.Kernel, NetworkShape.Kernel));
                    break;
                case "alpha":
                    yield return (stacked.Name, own.reshape(1));
                    break;
                default:
                    yield return (stacked.Name, own.narrow(0, 0, layer.Units).reshape(layer.Units));
                    break;
            }
        }
    }

    /// <summary>In double precision, so that large, nearly equal numbers are scaled exactly as in training.</summary>
    private static (string Name, Tensor Value)[] Of(Standardisation? scaling) => scaling is null ? [] :
    [
        ("input.mean", tensor(scaling.Means.ToArray())), ("input.deviation", tensor(scaling.Deviations.ToArray())),
    ];

    private static ImmutableDictionary<string, string> Describe(CohortTrial trial, EpochReport last, ImmutableArray<string> classes, ComputeDevice device)
    {
        var metadata = ImmutableDictionary.CreateBuilder<string, string>();
        metadata["format"] = Format;
        metadata["trial"] = $"{trial.Id}";
        metadata["configuration"] = trial.Configuration.Json;
        metadata["dataset"] = trial.Configuration[Parameters.Dataset];
        metadata["code"] = CodeVersion.Current;
        metadata["libtorch"] = TorchRuntime.Describe().LibTorch;
        metadata[device.Kind is DeviceKind.Cpu ? "cpu" : "gpu"] = device.Arithmetic;
        if (!classes.IsEmpty)
            metadata["classes"] = JsonSerializer.Serialize(classes);
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

    /// <summary>Converts a number without rounding; empty where it is null or not finite.</summary>
    private static string Text(double? number) =>
        number is { } value && double.IsFinite(value) ? value.ToString("R", CultureInfo.InvariantCulture) : "";
}
