using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training;

/// <summary>Trials that stand side by side in a network: Start, Start + 1, ..., Start + Count - 1.</summary>
internal readonly record struct Segment(int Start, int Count)
{
    /// <summary>Their part of a tensor that has all trials along its first dimension.</summary>
    public Tensor Of(Tensor tensor) => tensor.narrow(0, Start, Count);
}

/// <summary>A tensor of a network's state, with some of its trials along the first dimension.</summary>
/// <param name="Name">Unique in its network, and the same with other trials aboard.</param>
internal record Stacked(string Name, Segment Trials, Tensor Value)
{
    /// <summary>What a checkpoint holds of it.</summary>
    public virtual IEnumerable<Stacked> Saved => [this];

    /// <summary>Takes over what these trials had in another network.</summary>
    /// <param name="kept">For each trial of this network its place in the other.</param>
    public virtual void Take(Stacked other, ReadOnlySpan<int> kept)
    {
        using var rows = other.Rows(kept.Slice(Trials.Start, Trials.Count));
        Copy(Value, other.Value, rows);
    }

    protected Tensor Rows(ReadOnlySpan<int> places)
    {
        var rows = new long[places.Length];
        for (var i = 0; i < rows.Length; i++)
            rows[i] = places[i] - Trials.Start;
        return tensor(rows);
    }

    protected static void Copy(Tensor to, Tensor from, Tensor rows)
    {
        using var selected = from.index_select(0, rows);
        to.copy_(selected);
    }
}

/// <summary>A learned tensor; [n, ...] with its gradient and the optimizer's velocity alike.</summary>
internal sealed record Learned(string Name, Segment Trials, Tensor Value) : Stacked(Name, Trials, Value)
{
    public Tensor Gradient { get; } = zeros_like(Value);

    public Tensor Velocity { get; } = zeros_like(Value);

    public override IEnumerable<Stacked> Saved => [this, new($"{Name}.velocity", Trials, Velocity)];

    public override void Take(Stacked other, ReadOnlySpan<int> kept)
    {
        base.Take(other, kept);
        var learned = (Learned)other;
        using var rows = learned.Rows(kept.Slice(Trials.Start, Trials.Count));
        Copy(Velocity, learned.Velocity, rows);
    }
}
