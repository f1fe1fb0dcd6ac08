using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace DeepTrain.Cluster.Training;

/// <summary>Reads a table of numbers with a column of labels: comma-separated, a header, classes in the ordinal order of their names.</summary>
internal static class CsvFile
{
    private static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);

    /// <param name="labelColumn">Null: the last one.</param>
    /// <returns>The table, and the SHA-256 of all bytes.</returns>
    /// <exception cref="DataFileException">The file is no such table.</exception>
    public static (DataTable Table, string Content) Read(Stream stream, string? labelColumn)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var text = new CsvText(stream, hash);
        if (!text.Read())
            throw new DataFileException(1, 1, "the file is empty; expected a header and rows");
        var columns = text.Count;
        var label = ReadHeader(text, labelColumn);

        var numbers = new List<double>();
        var names = new List<string>();
        var known = new Dictionary<string, string>(StringComparer.Ordinal);
        var emptyLine = 0;
        while (text.Read())
        {
            if (IsEmpty(text))
            {
                emptyLine = emptyLine == 0 ? text.Line : emptyLine;
                continue;
            }
            if (emptyLine > 0)
                throw new DataFileException(emptyLine, 1, $"an empty line; expected {columns} fields, as in the header: remove the line");
            if (text.Count != columns)
                throw new DataFileException(text.Line, 1, $"{text.Count} fields; expected {columns}, as in the header");
            if (numbers.Count + columns - 1 > DataTable.MostNumbers)
                DataTable.CheckSize(names.Count + 1, columns - 1);
            for (var column = 0; column < columns; column++)
            {
                if (column != label)
                    numbers.Add(NumberOf(text, column));
            }
            var name = TextOf(text, label, "label");
            if (name.Length == 0)
                throw At(text, label, "the label is empty; expected the name of a class");
            // One object for each class, not for each row.
            if (!known.TryGetValue(name, out var first))
                known[name] = first = name;
            names.Add(first);
        }
        if (names.Count == 0)
            throw new DataFileException(1, 1, "the file has a header and no rows");
        DataTable.CheckClasses(known.Count, names.Count);

        var classes = known.Keys.Order(StringComparer.Ordinal).Index().ToDictionary(name => name.Item, name => name.Index, StringComparer.Ordinal);
        var info = new DatasetInfo("csv", names.Count, columns - 1, classes.Count, "a file of your own")
        {
            ClassNames = [.. classes.Keys.Order(StringComparer.Ordinal)],
        };
        return (new(info, [], [.. names.Select(name => classes[name])], [.. numbers]), Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    /// <returns>The column of the labels.</returns>
    private static int ReadHeader(CsvText text, string? labelColumn)
    {
        if (text.Count < 2)
            throw new DataFileException(1, 1, text.Count == 1 && text[0].IndexOfAny(";\t|"u8) >= 0
                ? "the header is one field; expected commas between fields, not semicolons, tabs or bars"
                : "the header is one field; expected at least one feature and the labels, with commas between them");
        var names = Enumerable.Range(0, text.Count).Select(column => TextOf(text, column, "name")).ToList();
        if (names.IndexOf("") is >= 0 and var nameless)
            throw At(text, nameless, "the column has no name; name it, or leave it out if it numbers the rows");
        if (names.TrueForAll(name => double.TryParse(name, NumberStyles.Float, CultureInfo.InvariantCulture, out _)))
            throw new DataFileException(1, 1, "the first line holds numbers; expected a header with the names of the columns");
        if (labelColumn is null)
            return text.Count - 1;
        var label = names.IndexOf(labelColumn);
        if (label < 0)
            throw new DataFileException(1, 1, $"none of the {text.Count} columns has the name that labelColumn gives, '{labelColumn}'; capitals and spaces count") { IsLabelColumn = true };
        if (names.LastIndexOf(labelColumn) is var second && second != label)
            throw At(text, second, $"columns {label + 1} and {second + 1} both have the name that labelColumn gives; rename one");
        return label;
    }

    private static bool IsEmpty(CsvText text) => text.Count == 1 && text[0].IsEmpty && text.PlaceOf(0).Column == 1;

    private static double NumberOf(CsvText text, int column)
    {
        var field = text[column];
        if (double.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number))
            return number;
        throw At(text, column, field.IsEmpty ? "the field is empty; expected a finite number: fill it in, or leave the row out"
            : double.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out _) ? "the number is not finite; fill it in, or leave the row out"
            : "this is text; expected a finite number such as 0.5 or 1e-3: encode it as numbers, leave the column out, or name it as labelColumn");
    }

    private static string TextOf(CsvText text, int column, string what)
    {
        try
        {
            return Utf8.GetString(text[column]);
        }
        catch (DecoderFallbackException)
        {
            throw At(text, column, $"the {what} is not UTF-8 text; save the file as UTF-8");
        }
    }

    private static DataFileException At(CsvText text, int column, string message)
    {
        var (line, character) = text.PlaceOf(column);
        return new(line, character, $"column {column + 1} of {text.Count}: {message}");
    }
}
