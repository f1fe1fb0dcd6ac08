using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Stacking;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Checkpoints;

/// <summary>All that a run needs to resume, in a safetensors file: the stacked tensors, the ids of the trials, and the epoch.</summary>
/// <remarks>
/// Trials are found by their ids, so that the resumed cohort may have fewer trials, another order, or other trials as well. A
/// checkpoint of another build, instruction set or kind of GPU is refused, because all numbers of a trial must come from the same ones.
/// </remarks>
internal static class Checkpoint
{
    private const string Format = "deeptrain-checkpoint-1";

    /// <param name="trials">The trials in their stacked order.</param>
    /// <param name="state">Every tensor that training needs to resume: learned values, optimizer state, statistics, counters.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Save(string path, int epoch, IReadOnlyList<TrialId> trials, IEnumerable<Stacked> state, ComputeDevice device)
    {
        using var scope = NewDisposeScope();
        var byName = state.ToDictionary(stacked => stacked.Name);
        var metadata = new Dictionary<string, string>
        {
            ["format"] = Format,
            ["origin"] = Origin(device),
            ["epoch"] = epoch.ToString(CultureInfo.InvariantCulture),
            ["trials"] = JsonSerializer.Serialize(trials.Select(trial => $"{trial}")),
            ["starts"] = JsonSerializer.Serialize(byName.ToDictionary(stacked => stacked.Key, stacked => stacked.Value.Trials.Start)),
        };
        // Each tensor is copied from the device once, for both the hash and the file.
        var tensors = byName.Select(stacked => (stacked.Key, stacked.Value.Value.cpu().contiguous())).ToList();
        metadata[CheckpointHash.Key] = CheckpointHash.Of(metadata, tensors);
        TensorFile.Save(path, metadata, tensors);
    }

    /// <summary>Restores the saved state of these trials.</summary>
    /// <returns>The number of finished epochs.</returns>
    /// <exception cref="InvalidDataException">The file is not a checkpoint, is damaged, is of another build, or lacks a trial.</exception>
    /// <exception cref="IOException">The file does not exist or cannot be read.</exception>
    public static int Restore(string path, IReadOnlyList<TrialId> trials, IEnumerable<Stacked> state, ComputeDevice device)
    {
        using var file = SafeTensorsFile.Open(path);
        var (epoch, places, starts) = ReadMetadata(file, path, Origin(device));
        foreach (var stacked in state)
        {
            if (!file.Tensors.TryGetValue(stacked.Name, out var saved) || !starts.TryGetValue(stacked.Name, out var start))
                throw Unusable(path, $"it lacks the tensor '{stacked.Name}'");
            ImmutableArray<long> row = [.. stacked.Value.shape.Skip(1)];
            if (saved.Kind != TensorFile.KindOf(stacked.Value) || saved.Shape.Length != row.Length + 1 || !saved.Shape.Skip(1).SequenceEqual(row))
                throw Unusable(path, $"its tensor '{stacked.Name}' is {saved.Kind} [{string.Join(", ", saved.Shape)}]");
            using var filled = empty(stacked.Value.shape, stacked.Value.dtype);
            var length = saved.Shape[0] == 0 ? 0 : saved.Length / saved.Shape[0];
            for (var i = 0; i < stacked.Trials.Count; i++)
            {
                var trial = trials[stacked.Trials.Start + i];
                if (!places.TryGetValue(trial, out var place) || place - start < 0 || place - start >= saved.Shape[0])
                    throw Unusable(path, $"{trial} is not in its tensor '{stacked.Name}'");
                using var own = filled[i];
                TensorFile.Read(file, stacked.Name, (place - start) * length, own);
            }
            stacked.Value.copy_(filled);
        }
        return epoch;
    }

    /// <summary>The build and hardware on which the last bits of results depend.</summary>
    private static string Origin(ComputeDevice device) =>
        $"{CodeVersion.Current}, libtorch {TorchRuntime.Describe().LibTorch}, {device.Arithmetic}";

    private static (int Epoch, Dictionary<TrialId, int> Places, Dictionary<string, int> Starts) ReadMetadata(SafeTensorsFile file, string path, string expected)
    {
        var metadata = file.Metadata;
        if (metadata.GetValueOrDefault("format") != Format)
            throw Unusable(path, $"its format is '{metadata.GetValueOrDefault("format")}'; expected {Format}");
        if (metadata.GetValueOrDefault("origin") is var origin && origin != expected)
            throw Unusable(path, $"it was written by '{origin}'; expected '{expected}'");
        if (metadata.GetValueOrDefault(CheckpointHash.Key) != CheckpointHash.Of(file))
            throw Unusable(path, "its contents have changed since it was written");
        try
        {
            return (int.Parse(metadata["epoch"], NumberStyles.None, CultureInfo.InvariantCulture),
                JsonSerializer.Deserialize<string[]>(metadata["trials"])!.Index().ToDictionary(trial => TrialId.Parse(trial.Item), trial => trial.Index),
                JsonSerializer.Deserialize<Dictionary<string, int>>(metadata["starts"])!);
        }
        catch (Exception error) when (error is KeyNotFoundException or FormatException or OverflowException or JsonException or ArgumentException)
        {
            throw Unusable(path, $"its metadata are broken ({error.Message})");
        }
    }

    private static InvalidDataException Unusable(string path, string why) => new($"{path}: this checkpoint cannot be resumed from: {why}.");
}
