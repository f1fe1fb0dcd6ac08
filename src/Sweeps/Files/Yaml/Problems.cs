using System.Collections.Immutable;

namespace DeepTrain.Cluster.Sweeps.Files.Yaml;

/// <summary>Collects the problems of one file, so that all of them are reported together.</summary>
internal sealed class Problems(string file)
{
    /// <summary>The largest number of problems reported, so that a malicious file cannot cause endless output.</summary>
    private const int Limit = 500;

    private readonly List<SpecProblem> _problems = [];
    private int _untold;

    public bool HasErrors { get; private set; }

    /// <summary>Whether further problems are only counted, so that the caller need not format messages.</summary>
    public bool IsFull => _problems.Count >= Limit;

    public void Error(Place place, string key, string message)
    {
        HasErrors = true;
        Add(place, key, message, isWarning: false);
    }

    public void Warn(Place place, string key, string message) => Add(place, key, message, isWarning: true);

    public ImmutableArray<SpecProblem> ToImmutable()
    {
        var told = _problems.OrderBy(problem => problem.Line).ThenBy(problem => problem.Column).ToList();
        if (_untold > 0)
            told.Add(told[^1] with { Key = "", Message = $"{_untold} more problems", IsWarning = !HasErrors });
        return [.. told];
    }

    private void Add(Place place, string key, string message, bool isWarning)
    {
        if (IsFull)
            _untold++;
        else
            _problems.Add(new(OneLine(file), place.Line, place.Column, OneLine(key), OneLine(message), isWarning));
    }

    private static string OneLine(string text) =>
        string.Concat(text.Select(character => char.IsControl(character) || character is '\u2028' or '\u2029' ? ' ' : character));
}
