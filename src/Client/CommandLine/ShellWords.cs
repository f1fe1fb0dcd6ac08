namespace DeepTrain.Cluster.Client.CommandLine;

/// <summary>Quotes words of the command lines that this program suggests to the user.</summary>
internal static class ShellWords
{
    /// <summary>The text quoted for a POSIX shell; unchanged if it has no characters that are special to a shell.</summary>
    public static string Quote(string text) => text.Length > 0 && text.All(IsPlain)
        ? text
        : $"'{text.Replace("'", @"'\''", StringComparison.Ordinal)}'";

    // '~' and '=' are special only in some positions, and Windows paths may be typed into Git Bash.
    private static bool IsPlain(char character) =>
        char.IsLetterOrDigit(character) || character is '-' or '_' or '.' or '/' or ':' or ',' or '+' or '@' or '%';
}
