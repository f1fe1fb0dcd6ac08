using System.Globalization;
using System.Text.RegularExpressions;

namespace DeepTrain.Cluster.Sweeps.Trials;

/// <summary>The id of one cell of a sweep in one replicate, written <c>name-N/CELL/rR</c>.</summary>
/// <param name="Sweep">The sweep's id, <c>name-N</c>.</param>
/// <param name="Cell">The cell's id, 16 hexadecimal digits.</param>
/// <param name="Replicate">Counted from 1.</param>
public readonly partial record struct TrialId(string Sweep, string Cell, int Replicate)
{
    public static TrialId Parse(string text) => TryParse(text, out var id)
        ? id
        : throw new FormatException($"'{text}' is not a trial's id: expected SWEEP/CELL/rREPLICATE, such as digits-1/0123456789abcdef/r1.");

    public static bool TryParse(string text, out TrialId id)
    {
        var match = Pattern().Match(text);
        id = match.Success
            ? new(match.Groups[1].Value, match.Groups[2].Value, int.Parse(match.Groups[3].Value, CultureInfo.InvariantCulture))
            : default;
        return match.Success;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Sweep}/{Cell}/r{Replicate}");

    [GeneratedRegex(@"^([^/\s]+-[1-9][0-9]*)/([0-9a-f]{16})/r([1-9][0-9]{0,8})\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
