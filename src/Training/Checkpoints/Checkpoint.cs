using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Stacking;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Checkpoints;

/// <summary>All that a run needs to go on, in a safetensors file: its stacked tensors as they are, who is in them, and the epoch.</summary>
/// <remarks>
/// Trials are found by their ids, so that those who go on may be fewer, in another order, and beside others than those who were saved.
/// What was saved by another build, on another instruction set, or on another kind of GPU, is refused: a trial's numbers come from one of each.
/// </remarks>
internal static class Checkpoint
{
    private const string Format = "deeptrain-checkpoint-1";

    /// <param name="trials">In the order in which they are stacked.</param>
    /// <param name="state">Every tensor that training goes on with: learned values, the optimizer's, statistics, counters.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
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
        // Copied from the device once, for the hash and the file.
        var tensors = byName.Select(stacked => (stacked.Key, stacked.Value.Value.cpu().contiguous())).ToList();
        metadata[CheckpointHash.Key] = CheckpointHash.Of(metadata, tensors);
        TensorFile.Save(path, metadata, tensors);
    }

    /// <summary>Fills a network's state with what these trials had.</summary>
    /// <returns>The epochs that are behind.</returns>
    /// <exception cref="InvalidDataException">It is no checkpoint, is damaged, of another build, or lacks one of the trials.</exception>
    /// <exception cref="IOException">It is not there, or cannot be read.</exception>
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

    /// <summary>What the last bits of what follows depend on.</summary>
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
