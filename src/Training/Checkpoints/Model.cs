using System.Collections.Immutable;
using System.Globalization;
using DeepTrain.Cluster.Sweeps;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training;

/// <summary>The final weights of one trial, as docs/models.md says: what PyTorch reads.</summary>
public static class Model
{
    /// <summary>The name of a trial's model in the folder of its sweep.</summary>
    public static string FileName(TrialId trial) => $"{trial.Cell}-r{trial.Replicate}.safetensors";

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
        metadata["format"] = "deeptrain-model-1";
        metadata["trial"] = $"{trial.Id}";
        metadata["configuration"] = trial.Configuration.Json;
        metadata["dataset"] = trial.Configuration[Parameters.Dataset];
        metadata["code"] = CodeVersion.Current;
        metadata["libtorch"] = torch.LibTorch;
        metadata["cpu"] = torch.CpuCapability;
        metadata["epochs"] = last.Epoch.ToString(CultureInfo.InvariantCulture);
        metadata["train.loss"] = Text(last.TrainLoss);
        metadata["validation.loss"] = Text(last.ValidationLoss);
        metadata["validation.accuracy"] = Text(last.ValidationAccuracy);
        metadata["test.loss"] = Text(last.Ending?.TestLoss);
        metadata["test.accuracy"] = Text(last.Ending?.TestAccuracy);
        return metadata.ToImmutable();
    }

    private static string Text(double? number) => number?.ToString("R", CultureInfo.InvariantCulture) ?? "";
}
