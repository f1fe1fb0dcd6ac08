using System.Collections.Immutable;
using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;

namespace DeepTrain.Cluster.Sweeps.Files.Yaml;

/// <summary>A position in a file. Line and column are counted from 1.</summary>
internal readonly record struct Place(int Line, int Column)
{
    public static Place Start { get; } = new(1, 1);
}

internal abstract record YamlNode(Place Place)
{
    /// <summary>A description of the node for messages.</summary>
    public abstract string Described { get; }
}

internal sealed record YamlMap(Place Place, ImmutableArray<(YamlNode Key, YamlNode Value)> Entries) : YamlNode(Place)
{
    public override string Described => "a mapping";
}

internal sealed record YamlList(Place Place, ImmutableArray<YamlNode> Items) : YamlNode(Place)
{
    public override string Described => "a list";
}

/// <summary>A scalar, typed by the core schema of YAML 1.2: <c>yes</c> and <c>1_000</c> are text.</summary>
/// <param name="Plain">Whether it is unquoted. A quoted scalar is always text.</param>
internal sealed partial record YamlScalar(Place Place, string Text, bool Plain) : YamlNode(Place)
{
    public bool IsNothing => Plain && Text is "" or "~" or "null" or "Null" or "NULL";

    /// <summary>The boolean value; null where it is not a boolean.</summary>
    public bool? Flag => !Plain ? null : Text switch
    {
        "true" or "True" or "TRUE" => true,
        "false" or "False" or "FALSE" => false,
        _ => null,
    };

    /// <summary>The value of a whole number of any size; null where it is not one.</summary>
    public BigInteger? Integer =>
        !Plain ? null
        : DecimalInteger().IsMatch(Text) ? ParseDecimal(Text)
        : PrefixedInteger().IsMatch(Text) ? ParseDigits(Text[2..], Text[1] == 'x' ? 16 : 8)
        : null;

    /// <summary>The value of a number, which may be infinite or NaN; null where it is not one.</summary>
    public double? Number =>
        !Plain ? null
        : Decimal().IsMatch(Text) ? double.Parse(Text, NumberStyles.Float, CultureInfo.InvariantCulture)
        : Integer is { } integer ? (double)integer
        : NotFinite().IsMatch(Text) ? (Text.EndsWith("n", StringComparison.OrdinalIgnoreCase) ? double.NaN : double.PositiveInfinity)
        : null;

    public override string Described => IsNothing ? "nothing" : $"'{Shorten(Text)}'";

    public static string Shorten(string text) => text.Length <= 40 ? text : $"{text[..40]}...";

    // A number with more digits is out of every range, and parsing it takes quadratic time.
    private const int MostDigits = 400;

    private static BigInteger ParseDecimal(string text) =>
        BigInteger.Parse(text[..Math.Min(text.Length, MostDigits)], NumberStyles.Integer, CultureInfo.InvariantCulture);

    private static BigInteger ParseDigits(string digits, int radix) =>
        digits[..Math.Min(digits.Length, MostDigits)]
            .Aggregate(BigInteger.Zero, (sum, digit) => (sum * radix) + Convert.ToInt32(digit.ToString(), 16));

    [GeneratedRegex(@"^[-+]?[0-9]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex DecimalInteger();

    [GeneratedRegex(@"^0(x[0-9a-fA-F]+|o[0-7]+)\z", RegexOptions.CultureInvariant)]
    private static partial Regex PrefixedInteger();

    [GeneratedRegex(@"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Decimal();

    [GeneratedRegex(@"^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\z", RegexOptions.CultureInvariant)]
    private static partial Regex NotFinite();
}
