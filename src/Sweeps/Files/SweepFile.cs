using System.Text;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files.Yaml;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Sweeps.Files;

/// <summary>Reads sweep files. For any input, it returns either a sweep or all problems, and never throws.</summary>
public static class SweepFile
{
    /// <summary>The size of the largest file that is accepted, in bytes.</summary>
    public const int MaximumSize = 1 << 20;

    /// <summary>The path that stands for standard input.</summary>
    public const string StandardInput = "-";

    private const char ByteOrderMark = '\uFEFF';

    /// <param name="path">Or <see cref="StandardInput"/>; paths in the file are then relative to the current folder.</param>
    public static SweepReading Read(string path)
    {
        var problems = new Problems(path);
        // The content of a data file is determined again whenever a sweep file is read.
        return ReadText(path, problems) is { } text ? Parse(ContentLine.Remove(text), path) : new(null, problems.ToImmutable()) { File = path };
    }

    /// <param name="path">The name of the file in problems.</param>
    public static SweepReading Parse(string text, string path)
    {
        var problems = new Problems(path);
        var binder = new SweepBinder(problems);
        var sweep = ReadRoot(text, problems) is { } root ? binder.Bind(root, text) : null;
        return new(sweep, problems.ToImmutable()) { File = path, Places = binder.Places };
    }

    /// <summary>The declarations of a sweep's text, without its cells; null where the text is invalid.</summary>
    public static SweepDeclaration? Declare(string text)
    {
        var problems = new Problems("");
        return ReadRoot(text, problems) is { } root ? new SweepBinder(problems).Declare(root, text) : null;
    }

    /// <summary>Makes the content of the data file a part of each cell, and adds it to the sweep's text.</summary>
    /// <param name="dataContent">The file's SHA-256 in lower-case hexadecimal digits.</param>
    /// <param name="labelIsLast">Whether the labels are in the last column, so that naming it makes no other cells.</param>
    public static Sweep WithContent(Sweep sweep, string dataContent, bool labelIsLast = false) =>
        Parse(ContentLine.Append(sweep.Text, dataContent, labelIsLast && sweep.Fixed.ContainsKey(Parameters.LabelColumn.Name)), sweep.Name).Sweep
        ?? throw new ArgumentException("The text of a sweep cannot be read again.", nameof(sweep));

    /// <summary>The SHA-256 of a stored sweep's data file in lower-case hexadecimal digits; null where it has no data file.</summary>
    public static string? DataContentOf(string text) => ContentLine.Find(text);

    /// <summary>
    /// Reads a changed file in the way in which the stored sweep was read: if naming the last column as <c>labelColumn</c> still made
    /// other cells then, it makes them now too.
    /// </summary>
    public static Sweep ReadAs(Sweep stored, Sweep proposed) =>
        ContentLine.SaysLabelIsLast(proposed.Text) && stored.Cells[0].Configuration[Parameters.LabelColumn] is not null
            ? WithContent(proposed, ContentLine.Find(proposed.Text)!)
            : proposed;

    /// <summary>The text of a valid sweep with another number of replicates and no other change.</summary>
    /// <remarks>Does not check the number: reading the result reports an invalid one.</remarks>
    /// <exception cref="FormatException">The number cannot be changed where it is without changing other parts of the text.</exception>
    public static string WithReplicates(string text, int replicates)
    {
        var before = Parse(text, "").Sweep ?? throw new ArgumentException("This is not the text of a valid sweep.", nameof(text));
        if (TryChangeReplicates(text, replicates) is { } changed
            && (Parse(changed, "").Sweep is not { } after
                || (after.Replicates == replicates && after.Cells.Select(cell => cell.Id).SequenceEqual(before.Cells.Select(cell => cell.Id)))))
            return changed;
        throw new FormatException(
            $"The number of replicates cannot be changed alone in this sweep's file, as where an alias shares it; write replicates: {replicates} into the file and run it.");
    }

    private static string? TryChangeReplicates(string text, int replicates)
    {
        var start = text.Length - text.TrimStart(ByteOrderMark).Length;
        var root = (YamlMap)YamlReader.Read(text[start..], new(""))!;
        if (root.Entries.FirstOrDefault(entry => entry.Key is YamlScalar key && key.Text == SweepKeys.Replicates.Name).Value is { } value)
        {
            var written = IndexOf(value.Place);
            if (text[written] == '&')
                return null;
            var end = text.IndexOfAny([' ', '\t', '\r', '\n', ',', '}'], written);
            return $"{text[..written]}{replicates}{(end < 0 ? "" : text[end..])}";
        }

        var first = root.Entries[0].Key.Place;
        var place = IndexOf(first);
        var separator = text[IndexOf(root.Place)] == '{' ? ", " : "\n" + new string(' ', first.Column - 1);
        return $"{text[..place]}{SweepKeys.Replicates.Name}: {replicates}{separator}{text[place..]}";

        int IndexOf(Place place)
        {
            var index = start;
            for (var line = 1; line < place.Line; line++)
                index = text.IndexOf('\n', index) + 1;
            return index + place.Column - 1;
        }
    }

    private static YamlNode? ReadRoot(string text, Problems problems)
    {
        var written = ContentLine.Remove(text);
        return IsPlainText(written, problems) ? YamlReader.Read(written.TrimStart(ByteOrderMark), problems) : null;
    }

    private static string? ReadText(string path, Problems problems)
    {
        try
        {
            using var stream = path == StandardInput ? Console.OpenStandardInput() : File.OpenRead(path);
            var content = new byte[MaximumSize + 1];
            var size = stream.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
            if (size <= MaximumSize)
                return Decode(content.AsSpan(0, size), problems);
            problems.Error(Place.Start, "", $"the file is larger than {MaximumSize:N0} bytes; a sweep file is a page of text");
        }
        catch (Exception broken) when (broken is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            problems.Error(Place.Start, "", Directory.Exists(path)
                ? "this is a directory; expected a sweep file"
                : broken is FileNotFoundException or DirectoryNotFoundException
                    ? "there is no such file"
                    : $"the file cannot be read: {broken.Message}");
        }

        return null;
    }

    private static string? Decode(ReadOnlySpan<byte> content, Problems problems)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(content);
        }
        catch (DecoderFallbackException broken)
        {
            var before = Encoding.UTF8.GetString(content[..Math.Clamp(broken.Index, 0, content.Length)]);
            problems.Error(PlaceAfter(before), "", "these bytes are not UTF-8 text; save the file as UTF-8");
            return null;
        }
    }

    /// <summary>Reports characters that YAML forbids and lines indented by tabs, which the YAML parser reports less clearly.</summary>
    private static bool IsPlainText(string text, Problems problems)
    {
        if (text.Length > MaximumSize)
        {
            problems.Error(Place.Start, "", $"the text is longer than {MaximumSize:N0} characters; a sweep file is a page of text");
            return false;
        }

        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsSurrogatePair(text, i))
                i++;
            else if ((char.IsControl(text[i]) && text[i] is not ('\t' or '\n' or '\r' or '\u0085'))
                || char.IsSurrogate(text[i]) || text[i] is '\uFFFE' or '\uFFFF' || (text[i] == ByteOrderMark && i > 0))
            {
                problems.Error(PlaceAfter(text[..i]), "", $"the character U+{(int)text[i]:X4} is not allowed in YAML; is this a text file?");
                return false;
            }
        }

        var lines = text.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            var indent = lines[i].Length - lines[i].TrimStart(' ', '\t').Length;
            var tab = lines[i].IndexOf('\t', 0, indent);
            if (tab >= 0 && !string.IsNullOrWhiteSpace(lines[i]))
                problems.Error(new(i + 1, tab + 1), "", "the line is indented with a tab; YAML indents with spaces");
        }

        return !problems.HasErrors;
    }

    private static Place PlaceAfter(string text) => new(text.Count(character => character == '\n') + 1, text.Length - text.LastIndexOf('\n'));
}
