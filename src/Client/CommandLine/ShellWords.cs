namespace DeepTrain.Cluster.Client.CommandLine;

/// <summary>Words of the command lines that this program prints for people to type.</summary>
internal static class ShellWords
{
    /// <summary>The text as a POSIX shell reads it back; as it is where nothing in it means anything to a shell.</summary>
    public static string Quote(string text) => text.Length > 0 && text.All(IsPlain)
        ? text
        : $"'{text.Replace("'", @"'\''", StringComparison.Ordinal)}'";

    // '~' and '=' mean something in some places only, and a Windows path is typed into Git's bash.
    private static bool IsPlain(char character) =>
        char.IsLetterOrDigit(character) || character is '-' or '_' or '.' or '/' or ':' or ',' or '+' or '@' or '%';
}
