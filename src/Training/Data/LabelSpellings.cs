using System.Globalization;

namespace DeepTrain.Cluster.Training.Data;

/// <summary>Checks how labels are written: whether two classes look the same, and whether all labels look like measurements.</summary>
internal sealed class LabelSpellings
{
    /// <summary>Up to this many numbers may be classes, however few rows each has.</summary>
    private const int FewClasses = 10;

    /// <summary>Numbers that are classes occur in more rows than this, on average.</summary>
    private const int RowsOfAClass = 20;

    private readonly Dictionary<string, int> _lines = new(StringComparer.Ordinal);
    private DataFinding? _first;
    private int _alike;

    /// <summary>A warning about classes that look the same; null where there are none.</summary>
    public DataFinding? Finding => _first is null ? null
        : _first with { Message = $"{_first.Message}{(_alike > 1 ? $" ({_alike:N0} classes look like another one)" : "")}" };

    /// <param name="name">The name of a new class.</param>
    public void Add(string name, (int Line, int Column) place)
    {
        if (_lines.TryAdd(Meaning(name), place.Line))
            return;
        _alike++;
        _first ??= new($"this label looks like the one on line {_lines[Meaning(name)]} but is written in another way, so the two are different "
            + "classes; if they are one class, write both in the same way", place.Line, place.Column, IsWarning: true);
    }

    /// <summary>Whether all labels are numbers, and nearly all rows differ or some numbers are not whole.</summary>
    public static bool LookLikeMeasurements(IReadOnlyCollection<string> names, int rows)
    {
        var numbers = names.Select(NumberOf).ToList();
        return !numbers.Contains(null)
            && (AreManyFor(numbers.Distinct().Count(), rows) || (numbers.Count > 2 && numbers.Exists(number => number != Math.Floor(number!.Value))));
    }

    /// <summary>Whether there are too many different numbers for classes.</summary>
    public static bool AreManyFor(int classes, int rows) => classes > FewClasses && rows < (long)RowsOfAClass * classes;

    /// <summary>Gives equal text for labels that look the same: equal numbers, or texts that differ in case or outer spaces.</summary>
    private static string Meaning(string name) =>
        NumberOf(name) is { } number ? number.ToString("G29", CultureInfo.InvariantCulture) : name.Trim().ToUpperInvariant();

    private static decimal? NumberOf(string name) =>
        decimal.TryParse(name, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;
}
