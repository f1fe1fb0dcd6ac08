using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Stacking;

/// <summary>Consecutive trials of a network: Start, Start + 1, ..., Start + Count - 1.</summary>
internal readonly record struct Segment(int Start, int Count)
{
    public int End => Start + Count;

    /// <summary>The part of a tensor that belongs to these trials, where its first dimension holds all trials.</summary>
    public Tensor Of(Tensor tensor) => tensor.narrow(0, Start, Count);

    /// <summary>The part of a tensor that belongs to these trials, where its first dimension holds the trials of a wider segment.</summary>
    public Tensor Of(Tensor tensor, Segment wider) => tensor.narrow(0, Start - wider.Start, Count);

    public Segment Intersect(Segment other)
    {
        var start = Math.Max(Start, other.Start);
        return new(start, Math.Max(0, Math.Min(End, other.End) - start));
    }

    /// <summary>The longest sequences of trials with the same key.</summary>
    public static ImmutableArray<Segment> Runs<T>(ImmutableArray<Configuration> trials, Func<Configuration, T> key)
    {
        var segments = ImmutableArray.CreateBuilder<Segment>();
        for (var start = 0; start < trials.Length;)
        {
            var first = key(trials[start]);
            var count = trials.Skip(start).TakeWhile(trial => Equals(key(trial), first)).Count();
            segments.Add(new(start, count));
            start += count;
        }
        return segments.ToImmutable();
    }
}

/// <summary>A tensor of a network's state whose first dimension holds some of the trials.</summary>
/// <param name="Name">Unique in its network, and independent of the other trials.</param>
internal record Stacked(string Name, Segment Trials, Tensor Value)
{
    /// <summary>Copies the values of these trials from another network.</summary>
    /// <param name="kept">For each trial of this network, its index in the other.</param>
    public void Take(Stacked other, ReadOnlySpan<int> kept)
    {
        var places = new long[Trials.Count];
        for (var i = 0; i < places.Length; i++)
            places[i] = kept[Trials.Start + i] - other.Trials.Start;
        using var rows = tensor(places, device: other.Value.device);
        using var selected = other.Value.index_select(0, rows);
        Value.copy_(selected);
    }
}

/// <summary>A learned tensor, [n, ...], with its gradient.</summary>
/// <param name="Decays">Whether weight decay applies to it.</param>
internal sealed record Learned(string Name, Segment Trials, Tensor Value, bool Decays) : Stacked(Name, Trials, Value)
{
    public Tensor Gradient { get; } = zeros_like(Value);
}
