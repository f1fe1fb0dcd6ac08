using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Numerics;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Sweeps.Search;

/// <summary>All cells that factors can form beside the fixed values: counts them, lists them, draws from them.</summary>
internal sealed class Space
{
    /// <summary>So many draws in a row without a new cell end a random search: the space is as good as exhausted.</summary>
    private const int PatienceForNewCells = 2_000;

    /// <summary>So many samples at most are drawn side by side: enough for all cores, few to throw away when a space is exhausted.</summary>
    private const int DrawnAtOnce = 10_000;

    /// <summary>So many of them on one core, one after the other.</summary>
    private const int DrawnInTurn = 250;

    private readonly ImmutableArray<Factor> _factors;
    private readonly ImmutableArray<Factor> _ordered;
    private readonly Dictionary<string, ParameterValue> _defaults;
    private readonly FrozenSet<string> _deciding;
    private readonly ConcurrentDictionary<string, ConfigurationFrame> _frames = new(StringComparer.Ordinal);

    /// <param name="factors">Free of cycles.</param>
    public Space(ImmutableSortedDictionary<string, ParameterValue> fixedValues, ImmutableArray<Factor> factors)
    {
        _factors = factors;
        _ordered = Order(factors);
        _deciding = factors.Where(factor => ConfigurationFrame.Decides(factor.Parameter)).Select(factor => factor.Name).ToFrozenSet();
        _defaults = new(fixedValues.AddRange(factors
            .Where(factor => factor.Parameter.Default is not null)
            .Select(factor => KeyValuePair.Create(factor.Name, factor.Parameter.Default!))), StringComparer.Ordinal);
    }

    /// <summary>The names that decide whether a factor applies.</summary>
    public static IEnumerable<string> Deciders(Parameter parameter, Condition? when) =>
        (when?.Values.Keys ?? []).Concat(parameter.AppliesWhen is { } applies ? [applies.Of.Name] : []);

    /// <summary>How many cells there are: exact up to the limit, and a number above it otherwise. Null: a continuum.</summary>
    /// <remarks>Only factors that decide over others are tried one by one; the rest multiply. Its time is bounded by the limit.</remarks>
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

    /// <summary>Distinct cells, fewer than asked for if the space has no more.</summary>
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
            // This thread takes its share, rather than wait for one of a pool that has none to spare.
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
        // One for all of them: copying it costs more than all else of a cell.
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
            // The next one begins anew.
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

    /// <summary>Each factor after those that decide whether it applies, else in the order of the file.</summary>
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

    /// <summary>A way through the factors so far.</summary>
    /// <param name="Values">The value of each parameter: chosen, fixed or by default.</param>
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

        /// <summary>Another way, from here on. Copying costs less than a tree.</summary>
        public Point With(Factor factor, ParameterValue value)
        {
            var next = new Point(new(Values, StringComparer.Ordinal), [.. Chosen]);
            next.Choose(factor, value);
            return next;
        }
    }
}
