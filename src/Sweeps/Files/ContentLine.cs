using System.Text.RegularExpressions;

namespace DeepTrain.Cluster.Sweeps;

/// <summary>
/// The line that a submitted text ends with where its data set is a file: the SHA-256 of that file. So whoever reads the stored text
/// arrives at the same cells without the file. To YAML it is a comment; nobody writes it by hand.
/// </summary>
internal static partial class ContentLine
{
    public static string Append(string text, string content) => $"{Remove(text)}\n# dataContent: {content}\n";

    public static string Remove(string text) => Line().Replace(text, "");

    public static string? Find(string text) => Line().Match(text) is { Success: true } line ? line.Groups["content"].Value : null;

    [GeneratedRegex(@"\n# dataContent: (?<content>[0-9a-f]{64})\n\z", RegexOptions.CultureInvariant)]
    private static partial Regex Line();
}
