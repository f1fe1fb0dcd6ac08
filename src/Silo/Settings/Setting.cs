using System.Globalization;

namespace DeepTrain.Cluster.Silo.Settings;

/// <summary>One setting of a silo, given by file or environment.</summary>
/// <param name="Name">Its dotted path in the file: <c>postgres.host</c>.</param>
/// <param name="Expected">Describes a valid value in error messages.</param>
/// <param name="Description">One sentence for the reference.</param>
public abstract record Setting(string Name, string Expected, string Description)
{
    /// <summary>The prefix of all settings' variables.</summary>
    public const string Prefix = "DEEPTRAIN_";

    /// <summary>Whether the value is never shown or quoted in an error.</summary>
    public bool IsSecret { get; init; }

    /// <summary>The environment variable of this setting, which overrides the file: <c>DEEPTRAIN_POSTGRES_HOST</c>.</summary>
    public string Variable => field ??= $"{Prefix}{string.Concat(Name.Select(letter =>
        letter == '.' ? "_" : char.IsUpper(letter) ? $"_{letter}" : $"{char.ToUpperInvariant(letter)}"))}";

    /// <summary>The default as it would be written; null if there is none.</summary>
    public abstract string? DefaultText { get; }

    public static Setting<string?> Text(string name, string? byDefault, string description) =>
        new(name, byDefault, text => text, "text", description);

    public static Setting<string?> Secret(string name, string description) => Text(name, null, description) with { IsSecret = true };

    public static Setting<string?> File(string name, string description) =>
        new(name, null, text => System.IO.File.Exists(text) ? text : null, "the path of a file that is there", description);

    public static Setting<string?> Folder(string name, string description) =>
        new(name, null, text => Directory.Exists(text) ? text : null, "the path of a folder that is there", description);

    public static Setting<int?> Integer(string name, int byDefault, int minimum, int maximum, string description) => new(name, byDefault,
        text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= minimum && number <= maximum
            ? number
            : null,
        string.Create(CultureInfo.InvariantCulture, $"a whole number from {minimum} to {maximum}"), description);

    public static Setting<TimeSpan?> Seconds(string name, double byDefault, double minimum, double maximum, string description) =>
        new(name, TimeSpan.FromSeconds(byDefault),
            text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && seconds >= minimum && seconds <= maximum
                ? TimeSpan.FromSeconds(seconds)
                : null,
            string.Create(CultureInfo.InvariantCulture, $"a number of seconds from {minimum} to {maximum}"), description);

    public static Setting<bool?> Flag(string name, string description) => new(name, false,
        text => text switch { "true" => true, "false" => false, _ => null }, "true or false", description);

    public static Setting<T?> Choice<T>(string name, T byDefault, IReadOnlyDictionary<string, T> choices, string description)
        where T : struct =>
        new(name, byDefault, text => choices.TryGetValue(text, out var choice) ? choice : null,
            $"one of {string.Join(", ", choices.Keys)}", description);
}

/// <param name="Read">Parses a text; returns null if it is not valid.</param>
public sealed record Setting<T>(string Name, T Default, Func<string, T> Read, string Expected, string Description)
    : Setting(Name, Expected, Description)
{
    public override string? DefaultText => Default switch
    {
        null => null,
        TimeSpan time => time.TotalSeconds.ToString(CultureInfo.InvariantCulture),
        bool flag => flag ? "true" : "false",
        Enum choice => $"{choice}".ToLowerInvariant(),
        _ => Convert.ToString(Default, CultureInfo.InvariantCulture),
    };
}
