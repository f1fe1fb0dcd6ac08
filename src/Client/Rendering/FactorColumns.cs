using System.Collections.Immutable;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Client.Rendering;

/// <summary>
/// The columns that describe a cell. Formats for programs contain every factor in full. Tables for people contain the factors that vary,
/// with long levels shortened, and only as many as fit on a screen.
/// </summary>
internal sealed class FactorColumns
{
    private const int WidestLevel = 40;
    private const int WidestInAll = 240;
    private const int Gap = 3;

    private readonly ImmutableArray<string> _factors;
    private readonly bool _isWhole;

    private FactorColumns(ImmutableArray<string> factors, IReadOnlyCollection<string> others, bool isWhole, bool tellsAll)
    {
        _factors = factors;
        _isWhole = isWhole;
        TellsAll = tellsAll;
        Columns = [.. factors.Select(factor => (others.Contains(factor) ? $"space.{factor}" : factor, false))];
    }

    public ImmutableArray<(string Name, bool IsNumber)> Columns { get; }

    /// <summary>Whether the columns distinguish all cells. Otherwise each row needs the id of its cell.</summary>
    public bool TellsAll { get; }

    /// <param name="others">The names of the table's other columns, because column names must be distinct.</param>
    public static FactorColumns Of(Sweep sweep, OutputFormat format, IReadOnlyCollection<string> others)
    {
        var factors = sweep.Factors.Select(factor => factor.Name).ToImmutableArray();
        if (format is not OutputFormat.Table)
            return new(factors, others, isWhole: true, tellsAll: true);
        var width = 0;
        var varying = factors
            .Select(factor => (Name: factor, Levels: sweep.Cells.Select(cell => Level(cell, factor)).Distinct().ToList()))
            .Where(factor => factor.Levels.Count > 1)
            .Select(factor => (factor.Name, Width: Math.Max(factor.Name.Length, factor.Levels.Max(level => level.Length))))
            .ToList();
        var shown = varying.TakeWhile(factor => (width += Math.Min(factor.Width, WidestLevel) + Gap) <= WidestInAll).ToList();
        return new([.. shown.Select(factor => factor.Name)], others, isWhole: false,
            tellsAll: shown.Count == varying.Count && shown.All(factor => factor.Width <= WidestLevel));
    }

    /// <summary>A cell's level of each factor; empty where the factor does not apply.</summary>
    public IEnumerable<string> Values(Cell cell) =>
        _factors.Select(factor => Level(cell, factor)).Select(level => _isWhole ? level : Shorten(level));

    /// <summary>Must be called after the table: says how to get what it does not show.</summary>
    public void TellWhatIsMissing()
    {
        if (!TellsAll)
            Console.Error.WriteLine("Some levels are shortened or left out of this table. For all of them, add: --format csv");
    }

    /// <summary>Removes the middle of a text that is too long for a column, and line breaks.</summary>
    internal static string Shorten(string text)
    {
        var line = string.Concat(text.Select(character => char.IsControl(character) ? ' ' : character));
        const int Kept = (WidestLevel - 1) / 2;
        return line.Length <= WidestLevel ? line : $"{line[..(WidestLevel - 1 - Kept)]}…{line[^Kept..]}";
    }

    private static string Level(Cell cell, string factor) => cell.Levels.FirstOrDefault(level => level.Factor == factor)?.Value.ToString() ?? "";
}
