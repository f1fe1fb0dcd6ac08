using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using DeepTrain.Cluster.Client.CommandLine;
using Spectre.Console;

namespace DeepTrain.Cluster.Client.Rendering;

/// <summary>Writes data to stdout and formats numbers.</summary>
internal static class Output
{
    /// <summary>Wider than any table, so that nothing is cut off. The terminal may wrap lines.</summary>
    private const int AnyWidth = 1_000_000;

    public static JsonSerializerOptions Json { get; } = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>Writes rows in the format for people or for programs.</summary>
    /// <param name="columns">The header of each column, and whether its values are numbers.</param>
    public static void WriteRows(
        OutputFormat format, IReadOnlyList<(string Name, bool IsNumber)> columns, IReadOnlyList<IReadOnlyList<string>> rows, object json)
    {
        switch (format)
        {
            case OutputFormat.Json:
                WriteJson(json);
                break;
            case OutputFormat.Csv:
                Console.Out.WriteLine(Csv(columns.Select(column => column.Name)));
                foreach (var row in rows)
                    Console.Out.WriteLine(Csv(row));
                break;
            default:
                WriteTable(Console.Out, columns, rows);
                break;
        }
    }

    /// <summary>Writes one fact: as a sentence for people, as named values for programs.</summary>
    public static void WriteLine(OutputFormat format, string sentence, params IReadOnlyList<(string Name, object Value)> values)
    {
        if (format is OutputFormat.Table)
            Console.Out.WriteLine(sentence);
        else
            WriteRows(format, [.. values.Select(value => (value.Name, false))], [[.. values.Select(value => $"{value.Value}")]],
                values.ToDictionary(value => value.Name, value => value.Value));
    }

    public static void WriteJson(object json) => Console.Out.WriteLine(JsonSerializer.Serialize(json, Json));

    public static void WriteTable(
        TextWriter writer, IReadOnlyList<(string Name, bool IsNumber)> columns, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (var (name, isNumber) in columns)
        {
            var column = new TableColumn(new Text(name)).NoWrap();
            table.AddColumn(isNumber ? column.RightAligned() : column);
        }
        foreach (var row in rows)
            table.AddRow(row.Select(value => new Text(value)));
        var console = Terminal(writer);
        console.Profile.Width = AnyWidth;
        console.Write(table);
    }

    public static IAnsiConsole Terminal(TextWriter writer) => AnsiConsole.Create(new() { Out = new AnsiConsoleOutput(writer) });

    /// <summary>
    /// Formats a number for tables: four decimal places, or more or an exponent where these would not show four significant digits. A dash
    /// where there is no number.
    /// </summary>
    public static string Number(double? value) => value is { } number ? number.ToString(FormatOf(Math.Abs(number)), CultureInfo.InvariantCulture) : "-";

    /// <summary>A time in seconds, to the millisecond.</summary>
    public static string Seconds(double seconds) => seconds.ToString("0.000", CultureInfo.InvariantCulture);

    /// <summary>Formats a number without rounding; empty where there is none.</summary>
    public static string Exact(double? value) => value is { } number ? number.ToString("R", CultureInfo.InvariantCulture) : "";

    public static string Name(Enum value) => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());

    private static string FormatOf(double size) => size switch
    {
        0 => "0.0000",
        < 1e-4 or >= 1e7 => "0.000e0",
        < 0.1 => $"F{3 - (int)Math.Floor(Math.Log10(size))}",
        _ => "0.0000",
    };

    private static string Csv(IEnumerable<string> values) => string.Join(',', values.Select(value =>
        value.AsSpan().ContainsAny(",\"\n\r") ? $"\"{value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : value));
}
