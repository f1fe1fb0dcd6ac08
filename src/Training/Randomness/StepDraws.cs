using System.Collections.Immutable;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training;

/// <summary>Uniform numbers that are fresh in each step, the same for all trials of a replicate.</summary>
/// <param name="groups">The draws that all trials share, or each trial's own.</param>
internal sealed class StepDraws(ImmutableArray<BaseDraws> groups, Placement on)
{
    private readonly Dictionary<(Purpose Purpose, int Layer), Tensor> _buffers = []; // [G, H, columns]

    /// <summary>Room for a layer's numbers, which each step fills anew.</summary>
    /// <returns>[n, H, columns]</returns>
    public Tensor Of(Purpose purpose, int layer, Segment trials, int units, int columns)
    {
        if (!_buffers.TryGetValue((purpose, layer), out var buffer))
            _buffers[(purpose, layer)] = buffer = on.Zeros(groups.Length, units, columns);
        return groups.Length == 1 ? buffer.expand(trials.Count, -1, -1) : trials.Of(buffer);
    }

    /// <param name="step">Counted from the start of training.</param>
    public void Fill(int step)
    {
        foreach (var ((purpose, layer), buffer) in _buffers)
        {
            var (units, columns) = ((int)buffer.shape[1], (int)buffer.shape[2]);
            var numbers = new float[checked(groups.Length * units * columns)];
            for (var group = 0; group < groups.Length; group++)
                groups[group].Fill(numbers.AsSpan(group * units * columns, units * columns), purpose, layer, step, columns);
            using var filled = tensor(numbers, buffer.shape);
            buffer.copy_(filled);
        }
    }
}
