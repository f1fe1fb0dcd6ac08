using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;

namespace DeepTrain.Cluster.Client;

/// <summary>How data goes to stdout, and how numbers look there.</summary>
internal static class Output
{
    private const int WidestTable = 400;

    public static JsonSerializerOptions Json { get; } = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>Writes the same rows as people or programs want them.</summary>
    /// <param name="columns">The header, and for each column whether its values are numbers.</param>
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

    /// <summary>Writes one fact: a sentence for people, named values for programs.</summary>
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
        // A narrow terminal may wrap a row, but nothing may wrap inside a number.
        console.Profile.Width = WidestTable;
        console.Write(table);
    }

    public static IAnsiConsole Terminal(TextWriter writer) => AnsiConsole.Create(new() { Out = new AnsiConsoleOutput(writer) });

    /// <summary>A number as a table shows it; a dash where there is none.</summary>
    public static string Number(double? value, string format = "0.0000") =>
        value is { } number ? number.ToString(format, CultureInfo.InvariantCulture) : "-";

    /// <summary>A number to its last bit; empty where there is none.</summary>
    public static string Exact(double? value) => value is { } number ? number.ToString("R", CultureInfo.InvariantCulture) : "";

    public static string Name(Enum value) => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());

    private static string Csv(IEnumerable<string> values) => string.Join(',', values.Select(value =>
        value.AsSpan().ContainsAny(",\"\n\r") ? $"\"{value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : value));
}
