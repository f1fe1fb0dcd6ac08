using System.Collections.Immutable;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Stacking;
using TorchSharp;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Randomness;

/// <summary>New uniform numbers in each step, the same for all trials of a replicate and on every device.</summary>
/// <remarks>A processor generates the numbers of each step when needed. A GPU generates those of many steps at once.</remarks>
/// <param name="groups">The draws that all trials share, or one for each trial.</param>
/// <param name="mostAhead">The most numbers of a layer to generate in advance, at least one step's; 0: none in advance.</param>
internal sealed class StepDraws(ImmutableArray<BaseDraws> groups, Placement on, long mostAhead)
{
    private const long MostAheadOnGpu = 1 << 22;

    private readonly ImmutableArray<BaseDraws> _distinct = [.. groups.Distinct()];

    private readonly Dictionary<(Purpose Purpose, int Layer), Numbers> _numbers = [];

    /// <summary>[G]: the index of each group's draws among the distinct ones.</summary>
    private readonly Tensor? _places = mostAhead == 0 ? null
        : on.Places([.. groups.Select(draws => (long)groups.Distinct().ToList().IndexOf(draws))], groups.Length);

    public StepDraws(ImmutableArray<BaseDraws> groups, Placement on)
        : this(groups, on, on.Device.type is DeviceType.CPU ? 0 : MostAheadOnGpu)
    {
    }

    /// <summary>Buffers for the numbers of a layer, which each step overwrites.</summary>
    /// <returns>[n, H, columns]</returns>
    public Tensor Of(Purpose purpose, int layer, Segment trials, int units, int columns)
    {
        if (!_numbers.TryGetValue((purpose, layer), out var numbers))
        {
            _numbers[(purpose, layer)] = numbers = new(on.Zeros(groups.Length, units, columns), mostAhead == 0 ? null
                : on.Zeros(Math.Max(1, mostAhead / ((long)_distinct.Length * units * columns)), _distinct.Length, units, columns));
        }
        return groups.Length == 1 ? numbers.Current.expand(trials.Count, -1, -1) : trials.Of(numbers.Current);
    }

    /// <param name="step">Counted from the start of training.</param>
    public void Fill(int step)
    {
        foreach (var ((purpose, layer), numbers) in _numbers)
        {
            if (numbers.Ahead is { } ahead)
                FillAhead(numbers, ahead, purpose, layer, step);
            else
                FillNow(numbers.Current, purpose, layer, step);
        }
    }

    private void FillNow(Tensor current, Purpose purpose, int layer, int step)
    {
        var (units, columns) = ((int)current.shape[1], (int)current.shape[2]);
        var numbers = new float[checked(groups.Length * units * columns)];
        for (var group = 0; group < groups.Length; group++)
            groups[group].Fill(numbers.AsSpan(group * units * columns, units * columns), purpose, layer, step, columns);
        using var filled = tensor(numbers, current.shape);
        current.copy_(filled);
    }

    private void FillAhead(Numbers numbers, Tensor ahead, Purpose purpose, int layer, int step)
    {
        var count = (int)ahead.shape[0];
        if (numbers.First is not { } first || step < first || step >= first + count)
        {
            using var steps = arange(step, step + count, ScalarType.Int64, on.Device);
            foreach (var (place, draws) in _distinct.Index())
            {
                using var own = ahead.select(1, place);
                draws.Fill(own, purpose, layer, steps);
            }
            numbers.First = step;
        }
        if (_distinct.Length == groups.Length)
            Kernels.Run("set_row", numbers.Current, ahead, step - numbers.First!.Value);
        else
            Kernels.Run("set_rows", numbers.Current, ahead, step - numbers.First!.Value, _places!);
    }

    /// <param name="Current">[G, H, columns]: the numbers of the current step.</param>
    /// <param name="Ahead">[steps, distinct draws, H, columns]; null where no numbers are generated in advance.</param>
    private sealed record Numbers(Tensor Current, Tensor? Ahead)
    {
        /// <summary>The first step whose numbers are generated in advance; null before any are.</summary>
        public int? First { get; set; }
    }
}
