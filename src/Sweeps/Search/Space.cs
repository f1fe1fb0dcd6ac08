using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Numerics;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Sweeps.Search;

/// <summary>All cells that the factors can form with the fixed values. Counts, lists and samples them.</summary>
internal sealed class Space
{
    /// <summary>A random search ends after this many consecutive draws without a new cell, because the space is nearly exhausted.</summary>
    private const int PatienceForNewCells = 2_000;

    /// <summary>The samples drawn in parallel at once: enough for all cores, but few to discard when the space is exhausted.</summary>
    private const int DrawnAtOnce = 10_000;

    /// <summary>The samples that one core draws sequentially.</summary>
    private const int DrawnInTurn = 250;

    private readonly ImmutableArray<Factor> _factors;
    private readonly ImmutableArray<Factor> _ordered;
    private readonly Dictionary<string, ParameterValue> _defaults;
    private readonly FrozenSet<string> _deciding;
    private readonly ConcurrentDictionary<string, ConfigurationFrame> _frames = new(StringComparer.Ordinal);

    /// <param name="factors">Their conditions must not form a cycle.</param>
    public Space(ImmutableSortedDictionary<string, ParameterValue> fixedValues, ImmutableArray<Factor> factors)
    {
        _factors = factors;
        _ordered = Order(factors);
        _deciding = factors.Where(factor => ConfigurationFrame.Decides(factor.Parameter)).Select(factor => factor.Name).ToFrozenSet();
        _defaults = new(fixedValues.AddRange(factors
            .Where(factor => factor.Parameter.Default is not null)
            .Select(factor => KeyValuePair.Create(factor.Name, factor.Parameter.Default!))), StringComparer.Ordinal);
    }

    /// <summary>The names of the parameters that decide whether a factor applies.</summary>
    public static IEnumerable<string> Deciders(Parameter parameter, Condition? when) =>
        (when?.Values.Keys ?? []).Concat(parameter.AppliesWhen is { } applies ? [applies.Of.Name] : []);

    /// <summary>The number of cells: exact up to the limit, otherwise some number above it; null where a domain is continuous.</summary>
    /// <remarks>Enumerates only the factors that decide over others, and multiplies the rest. The limit bounds the running time.</remarks>
    public BigInteger? Count(int limit)
    {
        if (_factors.Any(factor => factor.Domain.Size is null))
            return null;
        var deciding = _ordered.SelectMany(factor => Deciders(factor.Parameter, factor.When)).ToHashSet();
        var count = BigInteger.Zero;
        foreach (var point in Points(_ordered.Where(factor => deciding.Contains(factor.Name)).ToImmutableArray(), 0, new(_defaults, [])))
        {
            count += _factors
                .Where(factor => !deciding.Contains(factor.Name) && point.Allows(factor))
                .Aggregate(BigInteger.One, (product, factor) => product * factor.Domain.Size!.Value);
            if (count > limit)
                break;
        }

        return count;
    }

    /// <summary>Every combination of levels. All domains must be finite.</summary>
    public IEnumerable<Cell> Grid() => Points(_ordered, 0, new(_defaults, [])).Select(ToCell);

    /// <summary>Draws distinct cells. Returns fewer than requested if the space has no more.</summary>
    public ImmutableArray<Cell> Draw(SearchMethod.Random search)
    {
        var most = Count(search.Trials) is { } all && all < search.Trials ? (int)all : search.Trials;
        ImmutableArray<Sampler> samplers = [.. _ordered.Select(factor => new Sampler(factor, (ulong)search.Seed))];
        var cells = new OrderedDictionary<string, Cell>(StringComparer.Ordinal);
        var inVain = 0;
        for (var (from, count) = (0, 0); cells.Count < most && inVain < PatienceForNewCells; from += count)
        {
            count = Math.Min(most - cells.Count, DrawnAtOnce);
            int[][] parts = [.. Enumerable.Range(from, count).Chunk(DrawnInTurn)];
            var drawn = new Cell[parts.Length][];
            // Parallel.For uses this thread too, so it does not wait when the thread pool has no free thread.
            Parallel.For(0, parts.Length, part => drawn[part] = Draw(samplers, parts[part]));
            foreach (var cell in drawn.SelectMany(part => part))
            {
                inVain = cells.TryAdd(cell.Id, cell) ? 0 : inVain + 1;
                if (inVain == PatienceForNewCells)
                    break;
            }
        }

        return [.. cells.Values];
    }

    private Cell[] Draw(ImmutableArray<Sampler> samplers, int[] samples)
    {
        // All samples share one dictionary, because copying it would be the most expensive part of a cell.
        var values = new Dictionary<string, ParameterValue>(_defaults, StringComparer.Ordinal);
        return Array.ConvertAll(samples, sample =>
        {
            var point = new Point(values, []);
            foreach (var sampler in samplers)
            {
                if (point.Allows(sampler.Factor))
                    point.Choose(sampler.Factor, sampler.Draw((uint)sample));
            }
            var cell = ToCell(point);
            // Resets the dictionary for the next sample.
            foreach (var factor in point.Chosen)
            {
                if (_defaults.TryGetValue(factor.Name, out var value))
                    values[factor.Name] = value;
                else
                    values.Remove(factor.Name);
            }
            return cell;
        });
    }

    private static IEnumerable<Point> Points(ImmutableArray<Factor> ordered, int index, Point point) =>
        index == ordered.Length ? [point]
        : !point.Allows(ordered[index]) ? Points(ordered, index + 1, point)
        : ValuesOf(ordered[index].Domain).SelectMany(value => Points(ordered, index + 1, point.With(ordered[index], value)));

    private static IEnumerable<ParameterValue> ValuesOf(Domain domain) => domain switch
    {
        Domain.Levels levels => levels.Values,
        Domain.Integers integers => Enumerable.Range(0, integers.High - integers.Low + 1).Select(i => ParameterValue.Of((long)integers.Low + i)),
        _ => throw new InvalidOperationException($"{domain} is a continuum."),
    };

    /// <summary>Sorts each factor after those that decide whether it applies, otherwise in the order of the file.</summary>
    private static ImmutableArray<Factor> Order(ImmutableArray<Factor> factors)
    {
        var ordered = new List<Factor>();
        foreach (var factor in factors)
            Visit(factor);
        return [.. ordered];

        void Visit(Factor factor)
        {
            if (ordered.Contains(factor))
                return;
            foreach (var decider in factors.Where(other => Deciders(factor.Parameter, factor.When).Contains(other.Name)))
                Visit(decider);
            ordered.Add(factor);
        }
    }

    private Cell ToCell(Point point)
    {
        ImmutableArray<Level> levels =
        [
            .. _factors.Where(factor => point.Chosen.Contains(factor)).Select(factor => new Level(factor.Name, point.Values[factor.Name])),
        ];
        var alike = string.Join(' ', levels.Select(level => _deciding.Contains(level.Factor) ? $"{level.Factor}={level.Value.Json}" : level.Factor));
        var frame = _frames.GetOrAdd(alike, _ => Configuration.Frame(
            point.Values, [.. levels.Select(level => level.Factor).Where(factor => !_deciding.Contains(factor))]));
        return new(levels, new(frame, [.. levels.Where(level => !_deciding.Contains(level.Factor)).Select(level => level.Value)]));
    }

    /// <summary>The choices made for the factors so far.</summary>
    /// <param name="Values">The value of each parameter: chosen, fixed or default.</param>
    /// <param name="Chosen">The factors that have a level.</param>
    private sealed record Point(Dictionary<string, ParameterValue> Values, List<Factor> Chosen)
    {
        public bool Allows(Factor factor) =>
            Configuration.Applies(factor.Parameter, Values) && (factor.When?.Holds(Values) ?? true);

        public void Choose(Factor factor, ParameterValue value)
        {
            Values[factor.Name] = value;
            Chosen.Add(factor);
        }

        /// <summary>A copy with one more choice. For so few values, copying is cheaper than a persistent tree.</summary>
        public Point With(Factor factor, ParameterValue value)
        {
            var next = new Point(new(Values, StringComparer.Ordinal), [.. Chosen]);
            next.Choose(factor, value);
            return next;
        }
    }
}
