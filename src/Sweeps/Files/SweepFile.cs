using System.Text;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files.Yaml;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Sweeps.Files;

/// <summary>Reads sweep files. Whatever the input, the answer is a sweep or all that is wrong with it, never an exception.</summary>
public static class SweepFile
{
    /// <summary>The largest file that is read, in bytes.</summary>
    public const int MaximumSize = 1 << 20;

    /// <summary>In place of a path: standard input.</summary>
    public const string StandardInput = "-";

    private const char ByteOrderMark = '\uFEFF';

    /// <param name="path">Or <see cref="StandardInput"/>; the files that it names are then relative to the current folder.</param>
    public static SweepReading Read(string path)
    {
        var problems = new Problems(path);
        // What a data file holds is found anew wherever a file is read.
        return ReadText(path, problems) is { } text ? Parse(ContentLine.Remove(text), path) : new(null, problems.ToImmutable()) { File = path };
    }

    /// <param name="path">How problems name the file.</param>
    public static SweepReading Parse(string text, string path)
    {
        var problems = new Problems(path);
        var binder = new SweepBinder(problems);
        var sweep = ReadRoot(text, problems) is { } root ? binder.Bind(root, text) : null;
        return new(sweep, problems.ToImmutable()) { File = path, Places = binder.Places };
    }

    /// <summary>What a sweep's text declares, without forming its cells; null where it is not valid.</summary>
    public static SweepDeclaration? Declare(string text)
    {
        var problems = new Problems("");
        return ReadRoot(text, problems) is { } root ? new SweepBinder(problems).Declare(root, text) : null;
    }

    /// <summary>The sweep with what its data file holds as a part of each cell; its text says so too.</summary>
    /// <param name="dataContent">The file's SHA-256 in lower-case hexadecimal digits.</param>
    /// <param name="labelIsLast">Whether the labels stand in the last column, so that naming it makes no other cells.</param>
    public static Sweep WithContent(Sweep sweep, string dataContent, bool labelIsLast = false) =>
        Parse(ContentLine.Append(sweep.Text, dataContent, labelIsLast && sweep.Fixed.ContainsKey(Parameters.LabelColumn.Name)), sweep.Name).Sweep
        ?? throw new ArgumentException("The text of a sweep cannot be read again.", nameof(sweep));

    /// <summary>The SHA-256 of the data file that a stored sweep trains on, in lower-case hexadecimal digits; null: its data set is no file.</summary>
    public static string? DataContentOf(string text) => ContentLine.Find(text);

    /// <summary>
    /// A changed file of a stored sweep, read as that one was: a sweep that was stored when naming the last column as
    /// <c>labelColumn</c> still made other cells keeps those.
    /// </summary>
    public static Sweep ReadAs(Sweep stored, Sweep proposed) =>
        ContentLine.SaysLabelIsLast(proposed.Text) && stored.Cells[0].Configuration[Parameters.LabelColumn] is not null
            ? WithContent(proposed, ContentLine.Find(proposed.Text)!)
            : proposed;

    /// <summary>The text of a valid sweep with another number of replicates, all else as it was written.</summary>
    /// <remarks>The number may be one that the sweep cannot have: whoever reads the result is told then.</remarks>
    /// <exception cref="FormatException">The number stands where it cannot be changed alone.</exception>
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

    /// <summary>Tells characters that YAML forbids, and lines indented by tabs, which its parser reports less clearly.</summary>
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
