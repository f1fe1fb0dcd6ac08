using System.Text.RegularExpressions;
using DeepTrain.Cluster.Sweeps.Tests;

namespace DeepTrain.Cluster.Deploy.Tests;

/// <summary>The settings of a silo, by the table in <c>docs/cluster.md</c>, which a test keeps to be that of the code.</summary>
internal static partial class SettingsPage
{
    private static readonly Dictionary<string, string> Defaults = Row().Matches(File.ReadAllText(Repository.PathOf("docs/cluster.md")))
        .ToDictionary(row => row.Groups["variable"].Value, row => row.Groups["default"].Value);

    public static bool Has(string variable) => Defaults.ContainsKey(variable);

    /// <summary>Null: nothing holds where nobody says anything.</summary>
    public static string? Default(string variable) => Defaults[variable] is "-" ? null : Defaults[variable];

    [GeneratedRegex(@"^\| `[\w.]+` \| `(?<variable>DEEPTRAIN_\w+)` \| [^|]+ \| (?<default>[^|]+) \| ", RegexOptions.Multiline)]
    private static partial Regex Row();
}
