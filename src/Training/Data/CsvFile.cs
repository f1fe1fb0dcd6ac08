using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace DeepTrain.Cluster.Training.Data;

/// <summary>Reads a CSV table of numbers with a header and a column of labels. Classes are in the ordinal order of their names.</summary>
internal static class CsvFile
{
    private static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);

    /// <param name="labelColumn">The name of the column of labels; null: the last column.</param>
    /// <returns>The table, and the SHA-256 of the whole file.</returns>
    /// <exception cref="DataFileException">The file is not such a table.</exception>
    public static (DataTable Table, string Content) Read(Stream stream, string? labelColumn)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var text = new CsvText(stream, hash);
        if (!text.Read())
            throw new DataFileException(1, 1, "the file is empty; expected a header and rows");
        var columns = text.Count;
        var findings = ImmutableArray.CreateBuilder<DataFinding>();
        var label = ReadHeader(text, labelColumn, findings);

        var numbers = new List<double>();
        var names = new List<string>();
        var known = new Dictionary<string, string>(StringComparer.Ordinal);
        var spellings = new LabelSpellings();
        var (emptyLine, isBeyond) = (0, false);
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
                if (column == label)
                    continue;
                numbers.Add(NumberOf(text, column));
                if (isBeyond || float.IsFinite((float)numbers[^1]))
                    continue;
                isBeyond = true;
                findings.Add(Finding(text, column, "the number is beyond the range of float32, which ends at 3.4e38; correct it, or leave the row out"));
            }
            var name = TextOf(text, label, "label");
            if (name.Length == 0)
                throw At(text, label, "the label is empty; expected the name of a class");
            // One string object for each class, not for each row.
            if (!known.TryGetValue(name, out var first))
            {
                known[name] = first = name;
                spellings.Add(name, text.PlaceOf(label));
            }
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
        if (spellings.Finding is { } finding)
            findings.Add(finding);
        if (LabelSpellings.LookLikeMeasurements(known.Keys, names.Count))
            findings.Add(DataFinding.Measurements(known.Count, names.Count, "name the column that holds the classes with labelColumn, or replace the numbers by classes such as low and high"));
        return (new(info, [], [.. names.Select(name => classes[name])], [.. numbers])
        {
            Findings = findings.DrainToImmutable(), LabelIsLast = label == columns - 1,
        }, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    /// <summary>The position of a value in the file of a table that was read before; 0 and 0 where the file has changed.</summary>
    public static (int Line, int Column) PlaceOf(Stream stream, string? labelColumn, int row, int feature)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var text = new CsvText(stream, hash);
        if (!text.Read())
            return default;
        var label = ReadHeader(text, labelColumn, findings: null);
        for (var read = -1; read < row; read++)
        {
            if (!text.Read())
                return default;
        }
        return text.PlaceOf(feature < label ? feature : feature + 1);
    }

    /// <returns>The index of the column of labels.</returns>
    /// <param name="findings">Receives reasons to doubt that the line is a header; null where they are not needed.</param>
    private static int ReadHeader(CsvText text, string? labelColumn, ImmutableArray<DataFinding>.Builder? findings)
    {
        if (text.Count < 2)
            throw new DataFileException(1, 1, text.Count == 1 && text[0].IndexOfAny(";\t|"u8) >= 0
                ? "the header is one field; expected commas between fields, not semicolons, tabs or bars"
                : "the header is one field; expected at least one feature and the labels, with commas between them");
        var names = Enumerable.Range(0, text.Count).Select(column => TextOf(text, column, "name")).ToList();
        if (names.IndexOf("") is >= 0 and var nameless)
            throw At(text, nameless, "the column has no name; name it, or leave it out if it numbers the rows");
        if (names.FindIndex(name => double.TryParse(name, NumberStyles.Float, CultureInfo.InvariantCulture, out _)) is >= 0 and var number)
            findings?.Add(Finding(text, number, "the name of this column is a number, so the first line looks like a row of data; "
                + "add a first line with the names of the columns, or, if this line is the header, let the name begin with a letter"));
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
        var (said, line, character, _) = Finding(text, column, message);
        return new(line, character, said);
    }

    private static DataFinding Finding(CsvText text, int column, string message)
    {
        var (line, character) = text.PlaceOf(column);
        return new($"column {column + 1} of {text.Count}: {message}", line, character, IsWarning: false);
    }
}
