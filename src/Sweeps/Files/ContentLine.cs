using System.Text.RegularExpressions;

namespace DeepTrain.Cluster.Sweeps.Files;

/// <summary>
/// The line at the end of a submitted text whose data set is a file: the SHA-256 of that file. With it, the stored text gives the same
/// cells without the file. A line before it says whether <c>labelColumn</c> names the column that is the default anyway, which makes no
/// other cells. Both lines are YAML comments that only this program writes.
/// </summary>
internal static partial class ContentLine
{
    private const string LastColumn = "# labelColumn: last\n";

    public static string Append(string text, string content, bool labelIsLast) =>
        $"{Remove(text)}\n{(labelIsLast ? LastColumn : "")}# dataContent: {content}\n";

    public static string Remove(string text) => Line().Replace(text, "");

    public static string? Find(string text) => Line().Match(text) is { Success: true } line ? line.Groups["content"].Value : null;

    public static bool SaysLabelIsLast(string text) => Line().Match(text).Groups["last"].Success;

    [GeneratedRegex(@"\n(?<last># labelColumn: last\n)?# dataContent: (?<content>[0-9a-f]{64})\n\z", RegexOptions.CultureInvariant)]
    private static partial Regex Line();
}
