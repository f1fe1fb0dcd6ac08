using System.Globalization;

namespace DeepTrain.Cluster.Training.Data;

/// <summary>Looks at how the classes of a table are written: whether two of them look like one, and whether all look like measurements.</summary>
internal sealed class LabelSpellings
{
    /// <summary>So many numbers may well be classes, however few rows each has.</summary>
    private const int FewClasses = 10;

    /// <summary>Numbers that are classes come back more often than this.</summary>
    private const int RowsOfAClass = 20;

    private readonly Dictionary<string, int> _lines = new(StringComparer.Ordinal);
    private DataFinding? _first;
    private int _alike;

    /// <summary>What there is to say about classes that look like one; null: no two do.</summary>
    public DataFinding? Finding => _first is null ? null
        : _first with { Message = $"{_first.Message}{(_alike > 1 ? $" ({_alike:N0} classes look like another one)" : "")}" };

    /// <param name="name">Of a class that was not seen before.</param>
    public void Add(string name, (int Line, int Column) place)
    {
        if (_lines.TryAdd(Meaning(name), place.Line))
            return;
        _alike++;
        _first ??= new($"this label looks like the one on line {_lines[Meaning(name)]} but is written in another way, so the two are different "
            + "classes; if they are one class, write both in the same way", place.Line, place.Column, IsWarning: true);
    }

    /// <summary>Whether all labels are numbers of which nearly every row has another, or which are no whole numbers.</summary>
    public static bool LookLikeMeasurements(IReadOnlyCollection<string> names, int rows)
    {
        var numbers = names.Select(NumberOf).ToList();
        return !numbers.Contains(null)
            && (AreManyFor(numbers.Distinct().Count(), rows) || (numbers.Count > 2 && numbers.Exists(number => number != Math.Floor(number!.Value))));
    }

    /// <summary>Whether numbers are so many different ones that they are hardly classes.</summary>
    public static bool AreManyFor(int classes, int rows) => classes > FewClasses && rows < (long)RowsOfAClass * classes;

    /// <summary>The same text for labels that a person takes for one: equal numbers, other capitals or spaces around.</summary>
    private static string Meaning(string name) =>
        NumberOf(name) is { } number ? number.ToString("G29", CultureInfo.InvariantCulture) : name.Trim().ToUpperInvariant();

    private static decimal? NumberOf(string name) =>
        decimal.TryParse(name, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;
}
