using System.Text.RegularExpressions;

namespace DeepTrain.Cluster.Sweeps.Files;

/// <summary>
/// The line that a submitted text ends with where its data set is a file: the SHA-256 of that file. So whoever reads the stored text
/// arrives at the same cells without the file. Before it stands whether <c>labelColumn</c> names the column that is in use anyway, and so
/// makes no other cells. To YAML both are comments; nobody writes them by hand.
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
